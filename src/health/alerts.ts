/** What somebody should be told of, derived from what a store tells anyway. */
import { isFileSystemError, isStateStoreError } from '../errors/index.js'
import type { DocumentAddress, StorageEvents, StorageStatus } from '../storage/index.js'

interface AlertFacts {
  /** A write failed through no fault of its caller's. Conflicts and invalid values are no alerts. */
  'save-failed': {
    /** Of the document; absent for an append to a log. */
    readonly address?: DocumentAddress | undefined
    readonly log?: string | undefined
    readonly error: unknown
  }
  /** Less room is left than the limits of the check ask for. */
  'disk-low': { readonly freeBytes: number; readonly totalBytes: number }
  /** A document or a piece of a log is damaged. */
  corruption: {
    readonly path: string
    readonly reason: string
    readonly address?: DocumentAddress | undefined
    readonly log?: string | undefined
    /** The backup that was put in its place. */
    readonly restoredFrom?: string | undefined
  }
  /** A backup could not be made, or old ones not be dropped. */
  'backup-failed': {
    readonly reason: string
    readonly address?: DocumentAddress | undefined
    readonly error?: unknown
  }
  /** The store may not be written to, or not be read. */
  permission: {
    readonly reason: string
    readonly address?: DocumentAddress | undefined
    readonly log?: string | undefined
    readonly error: unknown
  }
  /** The store is gone, or cannot be written to or looked at, for another reason than permission. */
  unavailable: { readonly reason: string; readonly error?: unknown }
  /** A lock was lost to another holder while it was held here. */
  'lease-lost': { readonly name: string; readonly token: number }
}

export type AlertKind = keyof AlertFacts

/** To be told apart by `kind`. */
export type Alert = {
  readonly [K in AlertKind]: {
    readonly kind: K
    /** Milliseconds since the epoch. */
    readonly at: number
    /** In words, on one line. */
    readonly message: string
  } & AlertFacts[K]
}[AlertKind]

type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never
type AlertContent = WithoutTime<Alert>

/** The events that alerts are derived from. */
export interface WatchedEvents extends StorageEvents {
  'state:save-error': {
    readonly collection: string
    readonly key: string
    readonly error: unknown
  }
  'log:append-error': { readonly log: string; readonly error: unknown }
}

const nameOf = ({ collection, key }: DocumentAddress): string =>
  JSON.stringify(`${collection}/${key}`)

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const isPermission = (error: unknown): boolean =>
  isFileSystemError(error, 'PermissionDenied', 'ReadOnlyFileSystem')

/** Whether a write failed because of the store, and not of what it was asked for. */
export function isFaultOfStore(error: unknown): boolean {
  if (!isStateStoreError(error)) return false
  switch (error.code) {
    case 'STATE_IO':
    case 'STATE_CORRUPT':
    case 'STATE_QUEUE_FULL':
    case 'STATE_LEASE_TIMEOUT':
    case 'STATE_TAKEOVER_FAILED':
      return true
    default:
      return false
  }
}

function unsaved(
  name: string,
  what: { readonly address: DocumentAddress } | { readonly log: string },
  error: unknown,
): AlertContent | undefined {
  // Damage is told of where it is found.
  if (!isFaultOfStore(error) || isStateStoreError(error, 'STATE_CORRUPT')) return undefined
  const reason = messageOf(error)
  const message = `${name} could not be saved: ${reason}`
  if (isPermission(error)) return { kind: 'permission', message, reason, ...what, error }
  return { kind: 'save-failed', message, ...what, error }
}

type Derive = {
  readonly [K in keyof WatchedEvents]?: (detail: WatchedEvents[K]) => AlertContent | undefined
}

const derive: Derive = {
  'state:save-error': ({ collection, key, error }) => {
    const address = { collection, key }
    return unsaved(nameOf(address), { address }, error)
  },
  'log:append-error': ({ error, log }) => unsaved(`Log ${JSON.stringify(log)}`, { log }, error),
  'state:corrupt': ({ address, path, reason, restoredFrom }) => ({
    kind: 'corruption',
    message: `${address === undefined ? path : nameOf(address)} is damaged (${reason}) and was ${
      restoredFrom === undefined ? 'not restored' : `restored from ${restoredFrom}`
    }`,
    path,
    reason,
    address,
    restoredFrom,
  }),
  'log:damaged': ({ bytes, log, offset, path, reason }) => ({
    kind: 'corruption',
    message: `Log ${JSON.stringify(log)} is damaged for ${bytes} bytes from byte ${offset} (${reason})`,
    path,
    reason,
    log,
  }),
  'backup:skipped': ({ address, reason }) => ({
    kind: 'backup-failed',
    message: `${nameOf(address)} was deleted without a backup: ${reason}`,
    reason,
    address,
  }),
  'maintenance:failed': ({ error, operation }) => {
    if (operation !== 'prune') return undefined
    const reason = messageOf(error)
    const message = `Old backups could not be dropped: ${reason}`
    return { kind: 'backup-failed', message, reason, error }
  },
  'lease:lost': ({ name, token }) => ({
    kind: 'lease-lost',
    message: `The lock ${JSON.stringify(name)} was lost`,
    name,
    token,
  }),
}

/** Whether alerts are derived from an event. */
export const isWatched = (event: string): boolean => Object.hasOwn(derive, event)

/** The alert that an event gives rise to, if it does. */
export function alertOf(event: string, detail: unknown, at: number): Alert | undefined {
  if (!isWatched(event)) return undefined
  const content = (derive as Record<string, (detail: unknown) => AlertContent | undefined>)[event]
  return stamped(content?.(detail), at)
}

const stamped = (content: AlertContent | undefined, at: number): Alert | undefined =>
  content === undefined ? undefined : { ...content, at }

export interface SpaceLimits {
  readonly lowBytes: number
  readonly lowShare: number
}

/** Of a storage that could be looked at. */
export function alertsOfStatus(status: StorageStatus, limits: SpaceLimits, at: number): Alert[] {
  const found: (AlertContent | undefined)[] = [spaceAlert(status, limits), writeAlert(status)]
  return found.flatMap((content) => stamped(content, at) ?? [])
}

function spaceAlert({ freeBytes, totalBytes }: StorageStatus, limits: SpaceLimits) {
  if (freeBytes === undefined || totalBytes === undefined) return undefined
  if (freeBytes >= limits.lowBytes && freeBytes >= limits.lowShare * totalBytes) return undefined
  const message = `${freeBytes} of ${totalBytes} bytes are free on the disk`
  return { kind: 'disk-low', message, freeBytes, totalBytes } as const
}

function writeAlert({ error, exists, reason = 'unknown', writable }: StorageStatus) {
  if (!exists) return unavailable('What was opened is no longer there', error)
  // Without an error it is by choice: it was opened read-only.
  if (writable || error === undefined) return undefined
  if (isPermission(error)) return forbidden(`The store cannot be written to: ${reason}`, error)
  return unavailable(`The store cannot be written to: ${reason}`, error)
}

/** Of a storage that could not be looked at. */
export function alertOfFailure(error: unknown, at: number): Alert {
  const reason = `The store cannot be looked at: ${messageOf(error)}`
  const content = isPermission(error) ? forbidden(reason, error) : unavailable(reason, error)
  return { ...content, at }
}

const forbidden = (reason: string, error: unknown) =>
  ({ kind: 'permission', message: reason, reason, error }) as const

const unavailable = (reason: string, error: unknown) =>
  ({ kind: 'unavailable', message: reason, reason, error }) as const
