import type { FileOperations } from '../../file-system/index.js'

export interface FileContent {
  readonly bytes: Uint8Array
  readonly mode: number
  readonly modifiedMicros: number
}

/** All that is on a disk. */
export interface DiskImage {
  readonly root: string
  /** Parents first, without the root. */
  readonly directories: readonly {
    readonly path: string
    readonly node: string
    readonly mode: number
  }[]
  readonly files: readonly {
    /** All its names. */
    readonly paths: readonly string[]
    readonly node: string
    readonly content: FileContent
  }[]
}

/** Puts the image on an empty disk. Returns which inode of that disk is which node of the image. */
export function writeImage(image: DiskImage, disk: FileOperations): Map<string, string> {
  const nodes = new Map([[inodeAt(disk, '/'), image.root]])
  for (const { path, node, mode } of image.directories) {
    disk.makeDirectory(path, mode)
    nodes.set(inodeAt(disk, path), node)
  }
  for (const { paths, node, content } of image.files) {
    const [first = '', ...others] = paths
    const { bytes, mode, modifiedMicros } = content
    const file = disk.open(first, 'create', mode)
    disk.write(file, bytes, 0, bytes.byteLength, 0)
    disk.setModifiedTime(file, modifiedMicros)
    nodes.set(disk.statusOf(file).inode, node)
    disk.close(file)
    for (const other of others) disk.link(first, other)
  }
  return nodes
}

function inodeAt(disk: FileOperations, path: string): string {
  return disk.status(path)?.inode ?? ''
}
