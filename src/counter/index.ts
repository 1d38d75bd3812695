/** Counters: exact sums over any number of processes, by function changes of documents. */
export {
  type CounterContext,
  Counters,
  type CounterWriteOptions,
  type IncrementOptions,
} from './counters.js'
export {
  addressOf,
  type Counts,
  counting,
  type Increment,
  optionsOf,
  toIncrements,
} from './increment.js'
export type { CounterWindow, WindowKind, WindowOptions, WindowQuery } from './windows.js'
