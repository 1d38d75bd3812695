/** Keys and names of collections and logs: a few that meet again and again, and many that are odd. */
import fc from 'fast-check'

const plain = ['a', 'b', 'a/b', 'task_1']

const odd = [
  '__proto__',
  'constructor',
  'toString',
  '.',
  '..',
  '../up',
  '/',
  'a//b',
  '/a',
  'a/',
  'A',
  'con',
  'NUL.txt',
  '.hidden',
  'trailing.',
  'two words',
  'é',
  'e\u0301',
  '🦀',
  '\ud800',
  '\0',
  'line\nbreak',
  '%2e',
  '!a',
  '%%',
  '$holdfast',
  '*',
  '{a,b}',
  'long '.repeat(60),
  'Ü'.repeat(300),
]

export const keys = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...plain) },
  { weight: 2, arbitrary: fc.constantFrom(...odd) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }) },
)

export const collections = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('tasks', 'Notes') },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'logs', 'a/b', 'K'.repeat(400)) },
)

export const logs = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('sent', 'Sent') },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'tasks', '000001', 'a/b', 'L'.repeat(400)) },
)

export const counters = fc.constantFrom('n', 'N', '__proto__', '7', 'a/b')

/** What no storage takes for a key. */
export const refusedKeys = fc.constantFrom<unknown>('', 'x'.repeat(8193), undefined, null, 7, {})

/** Patterns, of which it is certain what they match among keys of plain letters. */
export const patterns: Readonly<Record<string, RegExp>> = {
  '**': /^/,
  '*': /^[^/]+$/,
  'a*': /^a[^/]*$/,
  '?': /^[^/]$/,
  '{a,b}': /^[ab]$/,
  'a/*': /^a\/[^/]+$/,
  '*/*': /^[^/]+\/[^/]+$/,
  nothing: /^nothing$/,
}

export const isPlainKey = (key: string): boolean => /^[a-z0-9_]+(?:\/[a-z0-9_]+)*$/.test(key)
