/** Logs: appending events to append-only sequences, asking for them by time, following them. */

export { type LogEvent, type LogNotices, reportAppended } from './events.js'
export type { LogFilter, LogTime } from './filter.js'
export type { FollowOptions } from './follow.js'
export { type AppendReceipt, Log, type LogContext, type LogEvents, type LogOptions } from './log.js'
export type { AppendOptions, BlockingAppendOptions, EventOptions, NewEvent } from './new-event.js'
export { instantOf } from './time.js'
