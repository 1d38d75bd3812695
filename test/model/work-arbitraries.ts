import fc from 'fast-check'
import { collections, counters, keys, logs } from './hostile-names.js'
import { values } from './hostile-values.js'
import type { Place } from './store-model.js'
import type { BlockingWork, Condition, NewEvent, TransactionStep, Work } from './work.js'

export const places: fc.Arbitrary<Place> = fc.record({ collection: collections, key: keys })

const types = fc.oneof(
  fc.constantFrom('sent', 'seen', '__proto__', ''),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const agents = fc.option(types, { nil: undefined })

/** In every form in which they can be appended: what begins with a string begins with the type. */
export const newEvents: fc.Arbitrary<NewEvent> = fc.oneof(
  fc.record({ type: types, agent: agents, data: values }),
  fc.record({ type: types, agent: agents }),
  fc.record({ agent: agents, data: values.filter((data) => typeof data !== 'string') }),
)

const conditions = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Condition>('none') },
  { weight: 3, arbitrary: fc.constantFrom<Condition>('absent', 'present', 'remembered') },
)

const amounts = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -100, max: 100 }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER) },
)

const counts = fc.uniqueArray(fc.tuple(counters, amounts), {
  minLength: 1,
  maxLength: 3,
  selector: ([name]) => name,
})

const kind = <const Kind extends string>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name)

const steps: fc.Arbitrary<TransactionStep> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: kind('set'), place: places, value: values }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('get'), place: places }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('delete'), place: places }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('append'), log: logs, event: newEvents }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('increment'), name: counters, by: amounts }) },
)

const sets = fc.record({ kind: kind('set'), place: places, value: values, condition: conditions })
const appends = fc.record({
  kind: kind('append'),
  log: logs,
  events: fc.array(newEvents, { minLength: 1, maxLength: 4 }),
})
const increments = fc.record({ kind: kind('increment'), counts })

export const works: fc.Arbitrary<Work> = fc.oneof(
  { weight: 6, arbitrary: sets },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('delete'), place: places, condition: conditions }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('update'),
      place: places,
      value: values,
      hasInitial: fc.boolean(),
      awaits: fc.boolean(),
      fails: fc.integer({ max: 5, min: 0 }).map((chance) => chance === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('restore'), place: places, back: fc.nat({ max: 2 }) }),
  },
  { weight: 3, arbitrary: appends },
  { weight: 2, arbitrary: increments },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kind('reset'),
      names: fc.uniqueArray(counters, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('transaction'),
      steps: fc.array(steps, { maxLength: 6 }),
      fails: fc.integer({ max: 6, min: 0 }).map((chance) => chance === 0),
    }),
  },
)

const blockingConditions = fc.constantFrom<Condition>('none', 'none', 'absent')

export const blockingWorks: fc.Arbitrary<BlockingWork> = fc.oneof(
  fc.record({ kind: kind('set'), place: places, value: values, condition: blockingConditions }),
  appends.map(({ events, ...work }) => ({ ...work, events: events.slice(0, 1) })),
  increments,
)
