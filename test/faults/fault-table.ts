/** What can go wrong with each call of a file system. */
import type { FileSystemOperation, Mishap, SeenCall } from '../../src/testing/index.js'

const failing = (...errnos: readonly string[]): Mishap[] => errnos.map((errno) => ({ errno }))
const short = (...most: readonly number[]): Mishap[] => most.map((atMostBytes) => ({ atMostBytes }))

const anyCall = failing('EIO', 'EACCES')

const mishapsOf: Readonly<Record<FileSystemOperation, readonly Mishap[]>> = {
  open: failing('ENOSPC', 'EIO', 'EMFILE', 'EACCES', 'EDQUOT', 'EROFS'),
  read: [...failing('EIO'), ...short(1)],
  write: [...failing('ENOSPC', 'EIO', 'EDQUOT'), ...short(1, 0)],
  truncate: failing('EIO'),
  setModifiedTime: failing('EIO', 'EPERM'),
  setMode: failing('EIO', 'EPERM'),
  sync: [{ losesWrites: true }, ...failing('EIO', 'ENOSPC', 'EDQUOT')],
  close: failing('EIO', 'ENOSPC'),
  statusOf: failing('EIO'),
  status: anyCall,
  readFile: [...anyCall, ...failing('EMFILE')],
  rename: failing('ENOSPC', 'EIO', 'EACCES', 'EPERM', 'EBUSY', 'EXDEV', 'EROFS'),
  link: failing('ENOSPC', 'EIO', 'EPERM', 'EMLINK', 'EXDEV'),
  unlink: [...anyCall, ...failing('EPERM', 'EBUSY', 'EROFS')],
  makeDirectory: [...failing('ENOSPC'), ...anyCall],
  removeDirectory: failing('EIO', 'EBUSY'),
  readDirectory: [...anyCall, ...failing('EMFILE')],
  readLink: anyCall,
  realPath: anyCall,
  spaceOf: anyCall,
}

/** What is staged cannot be removed when one of these fails. */
export const mayLeaveFiles = ({ operation }: SeenCall): boolean =>
  operation === 'unlink' || operation === 'close'

export const placeOf = ({ number, operation, path }: SeenCall): string =>
  `${operation} ${path} (call ${number})`

export const possibleMishaps = (operation: FileSystemOperation): readonly Mishap[] =>
  mishapsOf[operation]

/** Some of what is in the list, by chance, in its order. */
export function someOf<T>(list: readonly T[], count: number, random: () => number): T[] {
  const drawn = list.map((item, index) => ({ item, index, lot: random() }))
  const first = drawn.sort((a, b) => a.lot - b.lot).slice(0, count)
  return first.sort((a, b) => a.index - b.index).map(({ item }) => item)
}

export function nameOf(mishap: Mishap): string {
  if ('errno' in mishap) return mishap.errno
  if ('atMostBytes' in mishap) return `${mishap.atMostBytes} bytes`
  return Object.keys(mishap).join()
}
