/**
 * Watches the file calls this process makes through node:fs, whoever makes them: the functions are
 * replaced on the module, and the live bindings of ESM importers with them. Install it before the
 * libraries to be watched are loaded, since some of them copy the functions at load.
 * Native modules go past it.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

export type FileEvent =
  | { readonly kind: 'open'; readonly path: string }
  /** `content` as it was when the sync had ended; undefined for what cannot be read. */
  | { readonly kind: 'sync'; readonly inode: number; readonly content: Buffer | undefined }
  | { readonly kind: 'rename'; readonly inode: number; readonly directory: number }

type Fn = (...args: unknown[]) => unknown
type Functions = Record<string, Fn>

const original = {
  fstatSync: fs.fstatSync,
  readFileSync: fs.readFileSync,
  statSync: fs.statSync,
}

const parentOf = (path: string): string => path.replace(/[\\/][^\\/]*$/, '') || '/'

export class FileSpy {
  readonly events: FileEvent[] = []
  readonly #paths = new Map<number, string>()

  async install(): Promise<void> {
    const callbacks = fs as unknown as Functions
    const promises = fs.promises as unknown as Functions

    this.#wrap(callbacks, 'readFile', ([path]) => this.#opened(path))
    this.#wrap(promises, 'readFile', ([path]) => this.#opened(path))
    this.#wrap(callbacks, 'open', ([path], file) => this.#opened(path, file))
    this.#wrap(promises, 'open', ([path], handle) =>
      this.#opened(path, (handle as fs.promises.FileHandle).fd),
    )
    for (const name of ['fsync', 'fdatasync']) {
      this.#wrap(callbacks, name, ([file]) => this.#synced(file))
    }
    for (const name of ['rename', 'link']) {
      this.#wrap(callbacks, name, ([, to]) => this.#renamed(to))
      this.#wrap(promises, name, ([, to]) => this.#renamed(to))
    }

    const handle = await fs.promises.open(process.execPath)
    const prototype = Object.getPrototypeOf(handle) as Functions
    await handle.close()
    for (const name of ['sync', 'datasync']) {
      const call = prototype[name]
      if (call === undefined) continue
      const spy = this
      prototype[name] = async function (this: fs.promises.FileHandle, ...args) {
        const result = await call.apply(this, args)
        spy.#synced(this.fd)
        return result
      }
    }
    syncBuiltinESMExports()
  }

  /** Wraps the form with a callback (or promise) and, where there is one, the blocking form. */
  #wrap(functions: Functions, name: string, after: (args: unknown[], result: unknown) => void) {
    const call = functions[name]
    if (call !== undefined) {
      functions[name] = (...args) => {
        const callback = args.at(-1)
        if (typeof callback === 'function') {
          const done: Fn = (error, result) => {
            if (error === null || error === undefined) after(args, result)
            callback(error, result)
          }
          return call(...args.slice(0, -1), done)
        }
        return (call(...args) as Promise<unknown>).then((result) => {
          after(args, result)
          return result
        })
      }
    }
    const blocking = functions[`${name}Sync`]
    if (blocking !== undefined) {
      functions[`${name}Sync`] = (...args) => {
        const result = blocking(...args)
        after(args, result)
        return result
      }
    }
  }

  #opened(path: unknown, file?: unknown): void {
    if (typeof path !== 'string' && !(path instanceof URL) && !Buffer.isBuffer(path)) return
    this.events.push({ kind: 'open', path: String(path) })
    if (typeof file === 'number') this.#paths.set(file, String(path))
  }

  #synced(file: unknown): void {
    if (typeof file !== 'number') return
    const { ino } = original.fstatSync(file)
    this.events.push({ kind: 'sync', inode: ino, content: this.#contentOf(file) })
  }

  #contentOf(file: number): Buffer | undefined {
    const path = this.#paths.get(file)
    try {
      return path === undefined ? undefined : original.readFileSync(path)
    } catch {
      return undefined
    }
  }

  #renamed(to: unknown): void {
    const path = String(to)
    this.events.push({
      kind: 'rename',
      inode: original.statSync(path).ino,
      directory: original.statSync(parentOf(path)).ino,
    })
  }
}
