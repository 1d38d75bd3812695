/** The StateStore: collections of documents, logs, transactions, locks and events over a storage. */
export {
  Collection,
  type CollectionOptions,
  type Document,
  type ListOptions,
  type UpdateOptions,
  type WriteOptions,
  type WriteReceipt,
} from './collection.js'
export type { StateStoreEvent, StateStoreEvents, StateStoreListener } from './events.js'
export {
  type OpenOptions,
  openStateStore,
  StateStore,
  type StateStoreOptions,
} from './state-store.js'
export type { Transaction, TransactionOptions } from './transaction.js'
