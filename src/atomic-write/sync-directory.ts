import { io, type Steps } from '../file-system/index.js'

/** Makes the entries of a directory durable. After a failure they may or may not be. */
export function* syncDirectory(path: string): Steps<void> {
  const directory = yield* io.open(path, 'directory')
  try {
    yield* io.sync(directory)
  } finally {
    yield* io.close(directory)
  }
}
