/** The chapters of the reliability report: each a fault, what must hold under it, and what shows it. */

export interface Chapter {
  /** Names its results, and `npm run torture -- --only <id>`. */
  readonly id: string
  readonly title: string
  readonly mustHold: string
  /** Test files and folders of them. Each test file of the lab belongs to one chapter. */
  readonly tests: readonly string[]
  /** Run by this program of package.json instead of vitest. */
  readonly program?: string
}

/** Folders all of whose test files are of the lab. */
export const labFolders: readonly string[] = [
  'test/concurrency',
  'test/durability',
  'test/faults',
  'test/full-disk',
  'test/fuzz',
  'test/logs',
  'test/model',
  'test/processes',
  'test/torture',
  'test/torture/mixed',
]

export const chapters: readonly Chapter[] = [
  {
    id: 'power-cut',
    title: 'Power cut',
    mustHold:
      'No acknowledged change missing, nothing torn, nothing newer than what was begun; at every ' +
      'moment of every writing operation, and again in the middle of recovering from it.',
    tests: ['test/durability', 'test/processes/reboots.test.ts'],
  },
  {
    id: 'kill',
    title: 'SIGKILL',
    mustHold:
      'Nothing acknowledged lost, nothing made twice, at most one stray file until the next opening.',
    tests: [
      'test/torture/kills.test.ts',
      'test/torture/killed-appenders.test.ts',
      'test/torture/counting.test.ts',
      'test/torture/takeover-deaths.test.ts',
    ],
  },
  {
    id: 'mixed',
    title: 'Mixed work, killed, stopped and with clocks that jump',
    mustHold:
      'The history of every document, counter and lease is linearizable; logs hold every ' +
      'acknowledged event once and in the order of its writer.',
    tests: ['test/torture/mixed'],
  },
  {
    id: 'failing-calls',
    title: 'Failing calls, failing fsync, short writes, hangs',
    mustHold:
      'The error says what became of the write, old state stands, nothing left behind blocks later ' +
      'work, no descriptor is synced again after its sync failed.',
    tests: [
      'test/faults/single-faults.test.ts',
      'test/faults/fault-pairs.test.ts',
      'test/faults/hanging-calls.test.ts',
      'test/faults/covered-methods.test.ts',
      'test/faults/recovery.test.ts',
    ],
  },
  {
    id: 'full-disk',
    title: 'Full disk, file-size limit',
    mustHold:
      'A typed error, old state intact, deleting still possible, usable when space returns.',
    tests: ['test/full-disk'],
  },
  {
    id: 'stale-locks',
    title: 'Stale locks and many contenders at once',
    mustHold: 'Exactly one takes over, tokens rise, none is given twice.',
    tests: ['test/torture/stampede.test.ts', 'test/processes/waiting.test.ts'],
  },
  {
    id: 'stopped',
    title: 'A holder that is stopped past its time, then goes on',
    mustHold:
      'Its commit, append and release are refused or made once; what it says of them is true.',
    tests: [
      'test/torture/stopped-writers.test.ts',
      'test/torture/stopped-appenders.test.ts',
      'test/torture/lost-locks.test.ts',
      'test/torture/held-appenders.test.ts',
      'test/torture/interrupted-appenders.test.ts',
    ],
  },
  {
    id: 'late-calls',
    title: 'Renames and syncs that are in the kernel during a takeover',
    mustHold: 'They have landed or failed before the successor reads; none lands late.',
    tests: ['test/torture/late-renames.test.ts', 'test/concurrency'],
  },
  {
    id: 'copies',
    title: 'Copied and restored directories, other containers on one volume',
    mustHold: 'The leases of a copy are void; nobody is taken for dead on the evidence of a pid.',
    tests: ['test/processes/copy.test.ts', 'test/processes/namespaces.test.ts'],
  },
  {
    id: 'damage',
    title: 'Bit flips, cuts, zero runs, edits by hand',
    mustHold: 'That record alone is lost, it is reported with its place, no wrong value is read.',
    tests: [
      'test/faults/damage.test.ts',
      'test/faults/damaged-documents.test.ts',
      'test/faults/damaged-internals.test.ts',
      'test/faults/damaged-text.test.ts',
      'test/faults/damaged-while-writing.test.ts',
      'test/faults/edit-in-turn.test.ts',
      'test/logs',
    ],
  },
  {
    id: 'fuzzing',
    title: 'Hostile bytes in every file that is read',
    mustHold:
      'Never a hang, a crash, a wrong value, a polluted prototype, or memory out of proportion.',
    tests: ['test/fuzz'],
  },
  {
    id: 'many-writers',
    title: 'Many writers',
    mustHold: 'Exact sums, by a count that is kept outside the store.',
    tests: ['test/torture/counters.test.ts'],
  },
  {
    id: 'models',
    title: 'Random commands against a model, on every storage',
    mustHold: 'The store answers as the model does, also after crashes and reopenings.',
    tests: ['test/model'],
  },
  {
    id: 'mutation',
    title: 'Mutation testing: do the tests notice?',
    mustHold: 'A change of the core that changes what it does makes a test fail.',
    tests: [],
    program: 'mutation',
  },
]
