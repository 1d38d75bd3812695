import type { HealthEvents, Vitals } from '../health/index.js'
import { type LogNotices, reportAppended } from '../log/index.js'
import type { CommitResult, Revision, StorageEvents, StorageListener } from '../storage/index.js'

/** Every event of a store, by name. */
export interface StateStoreEvents extends StorageEvents, LogNotices, HealthEvents {
  'state:saved': {
    readonly collection: string
    readonly key: string
    readonly revision: Revision
    readonly kind: 'put' | 'delete'
    readonly superseded: boolean
    readonly durationMs: number
  }
  'state:loaded': {
    readonly collection: string
    readonly key: string
    /** Undefined when there was no document. */
    readonly revision: Revision | undefined
    readonly durationMs: number
  }
  'state:save-error': {
    readonly collection: string
    readonly key: string
    readonly error: unknown
  }
  /** A document does not fit its schema; listings leave it out. */
  'state:invalid': { readonly collection: string; readonly key: string; readonly error: unknown }
}

export type StateStoreEvent = keyof StateStoreEvents
export type StateStoreListener<K extends StateStoreEvent> = (detail: StateStoreEvents[K]) => void

type AnyListener = (detail: never) => void

/** Listeners by event. One that throws disturbs neither the store nor the other listeners. */
export class EventHub {
  readonly #listeners = new Map<StateStoreEvent, Set<AnyListener>>()
  readonly #vitals: Vitals

  constructor(vitals: Vitals) {
    this.#vitals = vitals
  }

  /** Returns a function that removes the listener. */
  on<K extends StateStoreEvent>(event: K, listener: StateStoreListener<K>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }

  has(event: StateStoreEvent): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0
  }

  /** Tells of every document that a commit has written, and of what it has appended to logs. */
  reportSaved(result: CommitResult, durationMs: number): void {
    this.#vitals.saved(result, durationMs)
    const { outcomes, revision, superseded } = result
    if (this.has('state:saved')) {
      for (const { address, kind } of outcomes) {
        if (kind === 'keep') continue
        this.emit('state:saved', { ...address, revision, kind, superseded, durationMs })
      }
    }
    reportAppended(this, result, durationMs)
  }

  reportLoaded(
    loaded: Omit<StateStoreEvents['state:loaded'], 'durationMs'>,
    durationMs: number,
  ): void {
    this.#vitals.loaded(durationMs)
    if (this.has('state:loaded')) this.emit('state:loaded', { ...loaded, durationMs })
  }

  reportLoadFailed(error: unknown): void {
    this.#vitals.loadFailed(error)
  }

  /** What a storage tells, which is a part of what a store tells. */
  readonly relay: StorageListener = (event, detail) => {
    this.emit(event, detail as never)
  }

  /** Tells an event, and the alert that it gives rise to. */
  emit<K extends StateStoreEvent>(event: K, detail: StateStoreEvents[K]): void {
    this.#tell(event, detail)
    const alert = this.#vitals.notice(event, detail)
    if (alert !== undefined) this.#tell('alert', alert)
  }

  #tell<K extends StateStoreEvent>(event: K, detail: StateStoreEvents[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        ;(listener as StateStoreListener<K>)(detail)
      } catch (error) {
        // Thrown where nobody of ours waits, as an event emitter of the platform would have it.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
