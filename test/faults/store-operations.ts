import { documentsAndLogs } from './document-operations.js'
import { countersAndHealth } from './module-operations.js'
import type { Operation } from './operation.js'
import { reading } from './reading-operations.js'

/** All that changes something. */
export const writing: Readonly<Record<string, Operation>> = {
  ...documentsAndLogs,
  ...countersAndHealth,
}

/** What a store does, each with what it leaves and tells. */
export const operations: Readonly<Record<string, Operation>> = { ...writing, ...reading }
