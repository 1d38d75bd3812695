import type { DiskChange } from './disk-change.js'
import type { DiskImage, FileContent } from './disk-image.js'
import { UnsyncedDirectory } from './unsynced-directory.js'
import { UnsyncedFile } from './unsynced-file.js'

/** A disk on which changes are replayed one by one, knowing what of it is stable. */
export class UnsyncedDisk {
  readonly root: string
  readonly #directories = new Map<string, UnsyncedDirectory>()
  readonly #files = new Map<string, UnsyncedFile>()

  /** All of the image is stable. */
  constructor(image: DiskImage) {
    this.root = image.root
    this.#directories.set(image.root, new UnsyncedDirectory(0o755))
    const at = new Map([['', image.root]])
    const place = (path: string, node: string): void => {
      const end = path.lastIndexOf('/')
      const parent = at.get(path.slice(0, end)) ?? ''
      this.#directories.get(parent)?.stable.set(path.slice(end + 1), node)
    }
    for (const { path, node, mode } of image.directories) {
      at.set(path, node)
      if (!this.#directories.has(node)) this.#directories.set(node, new UnsyncedDirectory(mode))
      place(path, node)
    }
    for (const { paths, node, content } of image.files) {
      this.#files.set(node, new UnsyncedFile(content))
      for (const path of paths) place(path, node)
    }
  }

  directory(node: string): UnsyncedDirectory | undefined {
    return this.#directories.get(node)
  }

  file(node: string): UnsyncedFile | undefined {
    return this.#files.get(node)
  }

  apply(change: DiskChange): void {
    switch (change.kind) {
      case 'node':
        if (change.type === 'directory') {
          this.#directories.set(change.node, new UnsyncedDirectory(change.mode))
        } else this.#files.set(change.node, new UnsyncedFile(emptyOf(change)))
        return
      case 'entry':
        this.#directories.get(change.directory)?.change(change)
        return
      case 'sync':
        this.#files.get(change.node)?.sync(change.failed)
        // A directory is made stable by a journal, and one that failed lets nothing be written later.
        if (!change.failed) this.#directories.get(change.node)?.sync()
        return
      case 'settled':
        for (const file of this.#files.values()) if (!file.isStable) file.sync(false)
        for (const directory of this.#directories.values()) directory.sync()
        return
      default:
        this.#files.get(change.node)?.change(change)
    }
  }
}

function emptyOf({ mode, modifiedMicros }: Omit<FileContent, 'bytes'>): FileContent {
  return { bytes: new Uint8Array(0), mode, modifiedMicros }
}
