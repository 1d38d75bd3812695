/** The storage port: what every storage offers. The implementations stand in folders of their own. */

export type * from './log.js'
export { refuseAborted, refuseUnusable } from './refusals.js'
export { compareRevisions, isRevision, type Revision } from './revision.js'
export type * from './storage.js'
