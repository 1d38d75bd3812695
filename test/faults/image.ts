import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'

export interface ImageFile {
  /** All its names. */
  readonly paths: string[]
  bytes: Uint8Array
  mode: number
  modifiedMicros: number
}

/** What is on a disk. */
export interface Image {
  /** Parents first. */
  readonly directories: { readonly path: string; readonly mode: number }[]
  readonly files: ImageFile[]
  readonly symlinks: { readonly path: string; readonly target: string }[]
  /** Inode of each store's internals: its domain is named after it. */
  readonly internals: { readonly path: string; readonly inode: string }[]
}

export const emptyImage = (): Image => ({
  directories: [],
  files: [],
  symlinks: [],
  internals: [],
})

export function takeImage(fs: FileOperations, root = ''): Image {
  const image = emptyImage()
  const byInode = new Map<string, ImageFile>()
  const visit = (directory: string): void => {
    for (const { name } of fs.readDirectory(directory === '' ? '/' : directory)) {
      const path = `${directory}/${name}`
      const status = fs.status(path)
      if (status === undefined) continue
      const { kind, mode, modifiedMicros, inode } = status
      if (kind === 'directory') {
        image.directories.push({ path, mode })
        if (name === '.holdfast') image.internals.push({ path, inode })
        visit(path)
      } else if (kind === 'symlink') {
        image.symlinks.push({ path, target: fs.readLink(path) })
      } else {
        const known = byInode.get(inode)
        if (known !== undefined) {
          known.paths.push(path)
          continue
        }
        const file = { paths: [path], bytes: fs.readFile(path), mode, modifiedMicros }
        byInode.set(inode, file)
        image.files.push(file)
      }
    }
  }
  if (root !== '') image.directories.push({ path: root, mode: 0o700 })
  visit(root)
  return image
}

/** A disk with this content. Stores on it stay the same stores. */
export function buildImage(image: Image): MemoryFileSystem {
  const disk = new MemoryFileSystem()
  const fs = disk.blocking
  for (const { path, mode } of image.directories) fs.makeDirectory(path, mode)
  for (const { paths, bytes, mode, modifiedMicros } of image.files) {
    const [first = '', ...others] = paths
    const file = fs.open(first, 'create', mode)
    fs.write(file, bytes, 0, bytes.byteLength, 0)
    fs.setModifiedTime(file, modifiedMicros)
    fs.close(file)
    for (const other of others) fs.link(first, other)
  }
  for (const { path, target } of image.symlinks) disk.symlink(target, path)
  for (const { path, inode } of image.internals) {
    const present = fs.status(path)?.inode ?? ''
    const domain = `${path}/domains/${inode}`
    if (fs.status(domain) !== undefined) fs.rename(domain, `${path}/domains/${present}`)
  }
  return disk
}

export const fileAt = (image: Image, path: string): ImageFile => {
  const found = image.files.find(({ paths }) => paths.includes(path))
  if (found === undefined) throw new Error(`There is no ${path} in the image`)
  return found
}

/** Replaces the content of a file in place and gives it back its modification time, as damage does. */
export function damage(fs: FileOperations, path: string, bytes: Uint8Array): void {
  const modified = fs.status(path)?.modifiedMicros ?? 0
  const file = fs.open(path, 'update')
  fs.truncate(file, 0)
  for (let done = 0; done < bytes.byteLength; ) {
    done += fs.write(file, bytes, done, bytes.byteLength - done, done)
  }
  fs.setModifiedTime(file, modified)
  fs.close(file)
}

export function flipped(bytes: Uint8Array, index: number, mask: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[index] = (copy[index] ?? 0) ^ mask
  return copy
}

export function zeroed(bytes: Uint8Array, start: number, length: number): Uint8Array {
  return Uint8Array.from(bytes).fill(0, start, start + length)
}
