/** Validators: any schema library that speaks Standard Schema (zod, Valibot, ArkType, …). */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { StateStoreError } from '../errors/index.js'
import type { DocumentAddress } from '../storage/index.js'

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

function failed(
  { collection, key }: DocumentAddress,
  operation: string,
  issues: readonly StandardSchemaV1.Issue[],
): StateStoreError {
  const listed = issues.map(toIssue)
  const told = listed.slice(0, 3).map(({ path, message }) => `${path}: ${message}`)
  return new StateStoreError({
    code: 'STATE_VALIDATION_FAILED',
    message: `${collection}/${key} does not fit its schema: ${told.join('; ')}`,
    operation,
    hint:
      operation === 'set'
        ? 'Nothing was written.'
        : 'The document is untouched. Correct the file, or read it through a collection without schema.',
    details: { collection, key, issues: listed },
  })
}

type Result<Output> = StandardSchemaV1.Result<Output>

function outputOf<Output>(
  result: Result<Output>,
  address: DocumentAddress,
  operation: string,
): Output {
  if (result.issues !== undefined) throw failed(address, operation, result.issues)
  return result.value
}

/**
 * The value as the schema gives it back (defaults filled in, conversions made). Throws
 * `STATE_VALIDATION_FAILED` with the issues in `details`.
 */
export async function validate<Output>(
  schema: Schema<unknown, Output>,
  value: unknown,
  address: DocumentAddress,
  operation: string,
): Promise<Output> {
  return outputOf(await schema['~standard'].validate(value), address, operation)
}

/** The same for places that cannot wait; a schema that validates asynchronously is refused there. */
export function validateBlocking<Output>(
  schema: Schema<unknown, Output>,
  value: unknown,
  address: DocumentAddress,
  operation: string,
): Output {
  const result = schema['~standard'].validate(value)
  if (!(result instanceof Promise)) return outputOf(result, address, operation)
  result.catch(() => undefined)
  throw new StateStoreError({
    code: 'STATE_UNSUPPORTED',
    message: 'The schema validates asynchronously, which cannot be waited for here',
    operation,
    hint: 'Use a schema without asynchronous refinements for setSync() and in transactions.',
  })
}
