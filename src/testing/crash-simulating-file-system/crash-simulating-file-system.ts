/**
 * A disk that may lose power: what may be found on it afterwards.
 *
 * FAULT MODEL. A call that returned has changed what programs see; what is on the disk is another
 * matter. Only what `sync` returned for is certain. Of the rest, all of this may be found:
 *
 * 1. A file's data since its last sync: there, not there, or zeros, sector by sector, in any order: a
 *    later write or a later sector may be there while an earlier one is not (by the `dataRule` of
 *    `prefix` only in the order of writing). The size may have grown before the data came, or not. A sector is written whole or not at all, and bytes that
 *    were synced stay when others in their sector are written ("powersafe overwrite").
 * 2. Mode and modification time since the last sync: as set, or as they were.
 * 3. A directory's changes since its last sync: by `directoryRule`, `any` of them, each by itself, or
 *    a `prefix`, the oldest up to any number; in either case whatever other directories kept. A sync
 *    of a file says nothing of its name. A rename within one directory is there as a whole or not at
 *    all; one from a directory to another may be there half: under both names, or under none.
 * 4. After a sync of a file that failed, the data that it was for is lost for good, although it can
 *    still be read and later syncs succeed: where it was to replace something the old stands, else
 *    there are zeros. A failed sync of a directory succeeds or fails as a whole later.
 *
 * WHAT FILE SYSTEMS PROMISE
 * - POSIX: nothing after a crash but what fsync was called for, and of a new file's name not even
 *   that (https://man7.org/linux/man-pages/man2/fsync.2.html): hence 1 to 3.
 * - ext4, data=ordered: metadata in the order of its journal, data before the metadata that shows it;
 *   with delayed allocation that is after seconds, and auto_da_alloc hurries only files that replace
 *   another by rename or truncation (https://docs.kernel.org/admin-guide/ext4.html). So it keeps
 *   prefixes, over all directories; a file renamed to a new name may be empty.
 * - XFS: metadata in the order of its log, data unordered: sizes without data, read as zeros
 *   (https://xfs.org/index.php/XFS_FAQ, "binary NULLS").
 * - btrfs: a transaction as a whole, but fsync writes a log of single inodes and names ahead of it,
 *   so that a later change can be there without an earlier one of another name. F2FS likewise: in its
 *   default fsync_mode=posix it does not keep the order of directory operations before an fsync
 *   (https://docs.kernel.org/filesystems/f2fs.html). ext2, FAT and exFAT keep no order at all. These
 *   are why `any` is the default.
 * - APFS: metadata is copied on write, data unprotected, and only F_FULLFSYNC reaches the medium, which
 *   Node's fsync asks for (https://github.com/libuv/libuv/issues/1124).
 * - NTFS: its log holds metadata only; what is beyond the valid data length of a file reads as zeros.
 *   A directory cannot be synced by Node there: the model is stricter than the system can be asked for.
 *
 * Other models: ALICE derives such states from a trace and found that no two file systems agree
 * (https://www.usenix.org/conference/osdi14/technical-sessions/presentation/pillai); CrashMonkey
 * crashes after each fsync and found file systems that broke their own promises
 * (https://www.usenix.org/conference/osdi18/presentation/mohan); LazyFS loses what was not synced and
 * tears writes under real databases (https://doi.org/10.14778/3681954.3681980). 4 is what ext4 and XFS
 * do, after "Can Applications Recover from fsync Failures?"
 * (https://www.usenix.org/conference/atc20/presentation/rebello). Sectors: https://sqlite.org/psow.html.
 *
 * NOT MODELLED: disks that acknowledge a flush that they did not make, bytes that change by themselves,
 * torn sectors, file systems whose own recovery fails.
 */
import { type Clock, systemClock } from '../../clock/index.js'
import { BothForms, type FileOperations, MemoryFileSystem } from '../../file-system/index.js'
import type { DiskChange } from './disk-change.js'
import { type DiskImage, writeImage } from './disk-image.js'
import { type Model, PossibleDisks } from './possible-disks.js'
import { Recorder } from './recorder.js'
import { seededRandom } from './seeded-random.js'
import type { DirectoryRule } from './unsynced-directory.js'
import { UnsyncedDisk } from './unsynced-disk.js'
import type { DataRule } from './unsynced-file.js'

export interface CrashSimulatingFileSystemOptions {
  /** Gives the modification times. Default: the system's clock. */
  readonly clock?: Pick<Clock, 'now'>
  /** What a disk writes as a whole or not at all, in bytes: a power of two, at least 2. Default: 512. */
  readonly sectorBytes?: number
  /** Which un-synced changes of one directory may be found. Default: `any`. */
  readonly directoryRule?: DirectoryRule
  /** Which un-synced data of one file may be found. Default: `any`. */
  readonly dataRule?: DataRule
}

export interface CrashStatesOptions {
  /** The first and the last {@link CrashSimulatingFileSystem.moment} to cut the power at. Default: all. */
  readonly from?: number
  readonly to?: number
  /**
   * Up to so many combinations at a moment all are tried; of more, the systematic ones (each thing that
   * may become of one file or directory, with all else kept or all else lost) and so many chosen by
   * chance. Default: 1000.
   */
  readonly combinations?: number
  /** Of what chance decides. Default: 1. */
  readonly seed?: number
  /** Which of the moments. Default: all of them. */
  readonly at?: (moment: number) => boolean
  /** How many of the combinations are looked at, chosen by chance, from 0 to 1. Default: 1, all. */
  readonly share?: number
}

/** A disk that may be found after a power cut. */
export interface CrashState {
  /** How many changes had been made when the power failed. */
  readonly moment: number
  /** The same for disks with the same names, content, modes, times and inodes. */
  readonly id: string
  /** What of the disk is not as programs saw it last, for people. */
  describe(): string
  /** The disk, all of which is stable now; inodes are what they were. Can be asked for again. */
  restart(options?: Pick<CrashSimulatingFileSystemOptions, 'clock'>): CrashSimulatingFileSystem
}

const emptyImage: DiskImage = { root: '1', directories: [], files: [] }

/**
 * A file system in memory that knows what a power cut may leave of it. Paths are absolute; there are no
 * symlinks. Use it as any {@link FileSystem}, then open what you test on each of {@link crashStates} and
 * look whether it kept its promises. The fault model stands at the head of its source.
 *
 * @example
 * const disk = new CrashSimulatingFileSystem()
 * const storage = await openMyStorage(disk)
 * await storage.put('a', 1)
 * const acknowledged = disk.moment
 * for (const { moment, restart, describe } of disk.crashStates()) {
 *   const found = await (await openMyStorage(restart())).get('a')
 *   const allowed = moment < acknowledged ? [undefined, 1] : [1]
 *   if (!allowed.includes(found)) throw new Error(`After ${moment}, ${describe()}: found ${found}`)
 * }
 */
export class CrashSimulatingFileSystem extends BothForms {
  readonly #recorder: Recorder
  readonly #origin: DiskImage
  readonly #options: CrashSimulatingFileSystemOptions
  readonly #failing: ((path: string) => boolean)[]

  constructor(options: CrashSimulatingFileSystemOptions = {}) {
    const failing: ((path: string) => boolean)[] = []
    const origin = originOf.get(options) ?? emptyImage
    const { clock = systemClock } = options
    const { blocking } = new MemoryFileSystem({ clock })
    const recorder = new Recorder(blocking, numbering(origin, blocking), (path) => {
      const index = failing.findIndex((matches) => matches(path))
      if (index >= 0) failing.splice(index, 1)
      return index >= 0
    })
    super(recorder.operations)
    this.#recorder = recorder
    this.#origin = origin
    this.#options = options
    this.#failing = failing
  }

  /** How many changes and syncs there have been. The power can fail after each. */
  get moment(): number {
    return this.#recorder.changes.length
  }

  /** Every change and sync, oldest first: for tests of their order. */
  get changes(): readonly DiskChange[] {
    return this.#recorder.changes
  }

  /** Counts everything so far as being on the disk, as if time had gone by. */
  settle(): void {
    this.#recorder.changes.push({ kind: 'settled' })
  }

  /**
   * The next sync of a path that `matches` throws EIO, and what it was for is lost (4 in the fault
   * model). Once: the one after succeeds. Each call adds one failure.
   */
  failNextSync(matches: (path: string) => boolean = () => true): void {
    this.#failing.push(matches)
  }

  /**
   * The disks that a power cut may leave, in the order of the moments; each disk once a moment, the
   * same disk again at other moments. Takes time in proportion to what it yields, some 20 µs each, and
   * memory in proportion to the disks of one moment; `restart` costs about as much as writing the disk.
   */
  *crashStates(options: CrashStatesOptions = {}): Generator<CrashState, void, undefined> {
    const { at, combinations = 1000, from = 0, seed = 1, share = 1, to = this.moment } = options
    const { dataRule = 'any', directoryRule = 'any', sectorBytes = 512 } = this.#options
    const model: Model = { dataRule, directoryRule, sectorBytes }
    const random = seededRandom(seed)
    const disk = new UnsyncedDisk(this.#origin)
    const contentIds = new WeakMap()
    const changes = this.#recorder.changes.slice(0, to)
    for (let moment = 0; moment <= changes.length; moment++) {
      const change = changes[moment - 1]
      if (change !== undefined) disk.apply(change)
      // A node without a name cannot be found.
      if (moment < from || change?.kind === 'node' || at?.(moment) === false) continue
      const possible = new PossibleDisks(disk, model, random, contentIds)
      const known = new Set<string>()
      for (const choice of choicesOf(possible, combinations, random)) {
        if (share < 1 && random() >= share) continue
        const id = possible.identify(choice)
        if (known.has(id)) continue
        known.add(id)
        const found = [...choice]
        yield {
          moment,
          id,
          describe: () => possible.describe(found),
          restart: (settings = {}) => this.#restart(possible.image(found), settings),
        }
      }
    }
  }

  #restart(image: DiskImage, settings: CrashSimulatingFileSystemOptions) {
    const options = { ...this.#options, ...settings }
    originOf.set(options, image)
    return new CrashSimulatingFileSystem(options)
  }
}

/** What was on the disk before, which is nobody else's to say. */
const originOf = new WeakMap<CrashSimulatingFileSystemOptions, DiskImage>()

/** Puts the image on the disk; gives its inodes their numbers back, and new ones numbers above. */
function numbering(origin: DiskImage, disk: FileOperations): (inode: string) => string {
  const nodes = writeImage(origin, disk)
  const above = [...nodes.values()].reduce((most, node) => Math.max(most, Number(node)), 0)
  return (inode) => nodes.get(inode) ?? String(above + Number(inode))
}

function* choicesOf(
  possible: PossibleDisks,
  combinations: number,
  random: () => number,
): Generator<readonly number[]> {
  if (possible.combinations <= combinations) {
    yield* possible.all()
    return
  }
  yield* possible.systematic()
  for (let sampled = 0; sampled < combinations; sampled++) yield possible.sample(random)
}
