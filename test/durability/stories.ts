import type { Step } from '../faults/states.js'

const longKey = `${'long '.repeat(50)}key`

export const everything: readonly Step[] = [
  { changes: { 'tasks/a': { n: 1 } } },
  { changes: { 'tasks/b': [1, 2, 3] } },
  { changes: { 'tasks/a': { n: 2 } } },
  { atomic: true, changes: { 'tasks/a': { n: 3 }, 'tasks/b': 4, 'notes/c': 'new' } },
  { changes: { 'tasks/a': undefined } },
  { atomic: true, changes: { 'tasks/a': { n: 5 }, 'tasks/b': undefined } },
  { changes: { 'notes/c': 'newer', 'extra/x': 1, 'tasks/a': { n: 6 } } },
  { changes: { 'extra/x': undefined } },
  { atomic: true, changes: { 'extra/x': 2, [`tasks/${longKey}`]: 'long', 'notes/c': undefined } },
  { changes: { 'extra/x': undefined, [`tasks/${longKey}`]: undefined } },
]

const long = 'x'.repeat(1500)

/** Logs, by themselves and with documents; of a size that closes segments. */
export const logging: readonly Step[] = [
  { changes: { 'log:sent': [{ n: 1 }] } },
  { changes: { 'log:sent': [{ n: 2 }, { n: 3 }] } },
  { changes: { 'log:sent': [{ n: 4 }], 'log:seen': [{ n: 1 }], 'tasks/a': 1 } },
  { atomic: true, changes: { 'log:sent': [{ n: 5 }], 'log:seen': [{ n: 2 }], 'tasks/a': 2 } },
  {
    changes: {
      'log:sent': [
        { n: 6, long },
        { n: 7, long },
      ],
    },
  },
  { changes: { 'log:sent': [{ n: 8, long }] } },
  { changes: { 'log:sent': [{ n: 9 }] } },
  {
    atomic: true,
    changes: {
      'log:sent': [
        { n: 10, long },
        { n: 11, long },
      ],
      'notes/c': 1,
    },
  },
  { atomic: true, changes: { 'log:sent': [{ n: 12, long }], 'log:seen': [{ n: 3 }] } },
  { changes: { 'log:sent': [{ n: 13 }] } },
]
