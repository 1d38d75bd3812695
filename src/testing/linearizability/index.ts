/** Whether what clients saw, side by side, is what one after the other could have seen. */
export {
  type Counterexample,
  checkLinearizability,
  type LinearizabilityOptions,
  type LinearizabilityReport,
} from './check-linearizability.js'
export type { History, Operation } from './history.js'
export type { SequentialModel } from './sequential-model.js'
