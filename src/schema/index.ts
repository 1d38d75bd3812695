/** Validators: any schema library that speaks Standard Schema (zod, Valibot, ArkType, …). */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { StateStoreError } from '../errors/index.js'
import type { DocumentAddress, Revision } from '../storage/index.js'

/** A schema, as https://standardschema.dev defines it. */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>
export type InferInput<S extends Schema> = StandardSchemaV1.InferInput<S>
export type InferOutput<S extends Schema> = StandardSchemaV1.InferOutput<S>

export interface ValidationIssue {
  /** For example `$.items[3].when`. */
  readonly path: string
  readonly message: string
}

function toIssue({ path, message }: StandardSchemaV1.Issue): ValidationIssue {
  const parts = (path ?? []).map((part) => {
    const key = typeof part === 'object' ? part.key : part
    return typeof key === 'number' ? `[${key}]` : `.${String(key)}`
  })
  return { path: `$${parts.join('')}`, message }
}

/** An event of a log; without an id while it is being appended. */
export interface EventAddress {
  readonly log: string
  readonly id?: Revision | undefined
}

type Subject = DocumentAddress | EventAddress

function nameOf(subject: Subject): string {
  if ('key' in subject) return `${subject.collection}/${subject.key}`
  return subject.id === undefined
    ? `An event for log ${subject.log}`
    : `Event ${subject.id} of log ${subject.log}`
}

function hintFor(subject: Subject, operation: string): string {
  if (operation !== 'load') return 'Nothing was written.'
  return 'key' in subject
    ? 'The document is untouched. Correct the file, or read it through a collection without schema.'
    : 'The event is untouched. Read it through a log without schema.'
}

function failed(
  subject: Subject,
  operation: string,
  issues: readonly StandardSchemaV1.Issue[],
): StateStoreError {
  const listed = issues.map(toIssue)
  const told = listed.slice(0, 3).map(({ path, message }) => `${path}: ${message}`)
  return new StateStoreError({
    code: 'STATE_VALIDATION_FAILED',
    message: `${nameOf(subject)} does not fit its schema: ${told.join('; ')}`,
    operation,
    hint: hintFor(subject, operation),
    details: { ...subject, issues: listed },
  })
}

type Result<Output> = StandardSchemaV1.Result<Output>

function outputOf<Output>(result: Result<Output>, subject: Subject, operation: string): Output {
  if (result.issues !== undefined) throw failed(subject, operation, result.issues)
  return result.value
}

/**
 * The value as the schema gives it back (defaults filled in, conversions made). Throws
 * `STATE_VALIDATION_FAILED` with the issues in `details`.
 */
export async function validate<Output>(
  schema: Schema<unknown, Output>,
  value: unknown,
  subject: Subject,
  operation: string,
): Promise<Output> {
  return outputOf(await schema['~standard'].validate(value), subject, operation)
}

/** The same for places that cannot wait; a schema that validates asynchronously is refused there. */
export function validateBlocking<Output>(
  schema: Schema<unknown, Output>,
  value: unknown,
  subject: Subject,
  operation: string,
): Output {
  const result = schema['~standard'].validate(value)
  if (!(result instanceof Promise)) return outputOf(result, subject, operation)
  result.catch(() => undefined)
  throw new StateStoreError({
    code: 'STATE_UNSUPPORTED',
    message: 'The schema validates asynchronously, which cannot be waited for here',
    operation,
    hint: 'Use a schema without asynchronous refinements for setSync(), appendSync() and in transactions.',
  })
}

/** The same, waiting only if the schema does: for many values in a row. */
export function validateSoon<Output>(
  schema: Schema<unknown, Output>,
  value: unknown,
  subject: Subject,
  operation: string,
): Output | Promise<Output> {
  const result = schema['~standard'].validate(value)
  if (!(result instanceof Promise)) return outputOf(result, subject, operation)
  return result.then((awaited) => outputOf(awaited, subject, operation))
}
