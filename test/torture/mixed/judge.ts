/** Everything that is wrong with what processes were told of a store that they used together. */
import {
  type Counterexample,
  checkLinearizability,
  type SequentialModel,
} from '../../../src/testing/index.js'
import { counterModel } from './counter-model.js'
import { documentModel, revisionsIn } from './document-model.js'
import { groupModel } from './group-model.js'
import { leaseModel } from './lease-model.js'
import { type Followed, judgeLogs, type Standing, type StandingEvent } from './log-judge.js'
import type {
  CounterInput,
  DocumentInput,
  GroupInput,
  Input,
  LeaseInput,
  MixedHistory,
  MixedOperation,
  Output,
} from './operations.js'

export interface Evidence {
  /** With the last readings, of everything that there is. */
  readonly history: MixedHistory
  /** When they began. What dead processes left half done was completed by then. */
  readonly lastReadingsAt: number
  readonly standing: Standing
  /** The events of moves; the padding of each is its mark. */
  readonly moved: readonly StandingEvent[]
  readonly followed: readonly Followed[]
  readonly hits: number
}

export interface Judgement {
  readonly complaints: readonly string[]
  readonly figures: {
    readonly operations: number
    readonly unknown: number
    readonly refused: number
    readonly configurations: number
    readonly undecided: number
    readonly passing: number
  }
}

export function judge(evidence: Evidence): Judgement {
  const { followed, moved, standing } = evidence
  const complaints: string[] = [...complaintsAboutMoved(evidence.history, moved)]
  const history = withMovesSettled(evidence)
  const { complaints: aboutRevisions, revisions } = revisionsIn(history)
  complaints.push(...aboutRevisions)
  let [configurations, undecided] = [0, 0]
  const check = <State extends NonNullable<unknown> | null, Some extends Input>(
    what: string,
    some: readonly MixedOperation[],
    model: SequentialModel<State, Some, Output>,
  ): void => {
    const report = checkLinearizability(some as never, model)
    configurations += report.configurations
    undecided += report.undecided.length
    for (const each of report.counterexamples) complaints.push(told(what, each))
    for (const each of report.undecided) complaints.push(`undecided: ${told(what, each)}`)
  }
  const of = (on: Input['on']) => history.filter(({ input }) => input.on === on)
  const documents = [...of('document'), ...history.flatMap(sidesOf)]
  check<ReturnType<typeof documentModel>['initial'], DocumentInput>(
    'document',
    documents,
    documentModel(revisions),
  )
  check<typeof groupModel.initial, GroupInput>('group', of('group'), groupModel)
  check<number, CounterInput>(
    'counter',
    [...of('counter'), ...history.flatMap(countOf)],
    counterModel,
  )
  check<typeof leaseModel.initial, LeaseInput>('lease', of('lease'), leaseModel)
  complaints.push(...complaintsAboutHits(history, evidence.hits))
  const logs = judgeLogs(standing, history, followed)
  complaints.push(...logs.complaints)
  const refused = history.filter(({ returned }) => {
    const output = returned?.output
    return typeof output === 'object' && 'refused' in output
  })
  return {
    complaints,
    figures: {
      operations: evidence.history.length,
      unknown: evidence.history.filter(({ returned }) => returned === undefined).length,
      refused: refused.length,
      configurations,
      undecided,
      passing: logs.passing,
    },
  }
}

/** Each move that was acknowledged has its event, none has two, and nobody else has one. */
function complaintsAboutMoved(history: MixedHistory, moved: readonly StandingEvent[]): string[] {
  const complaints: string[] = []
  const events = new Map<string, number>()
  for (const { data } of moved) events.set(data.padding, (events.get(data.padding) ?? 0) + 1)
  for (const { input, returned } of history) {
    if (input.on !== 'group' || input.do !== 'move') continue
    const count = events.get(input.mark) ?? 0
    events.delete(input.mark)
    if (count > 1 || (count === 0 && returned !== undefined)) {
      complaints.push(`moved: the move ${input.mark} has ${count} events`)
    }
  }
  for (const mark of events.keys()) complaints.push(`moved: nobody made the move ${mark}`)
  return complaints
}

/** A move whose outcome was not told is made if, and only if, its event stands: then it must show in all it changes. */
function withMovesSettled({ history, lastReadingsAt, moved }: Evidence): readonly MixedOperation[] {
  const made = new Set(moved.map(({ data }) => data.padding))
  return history.flatMap((operation): MixedOperation[] => {
    const { input, returned } = operation
    if (input.on !== 'group' || input.do !== 'move' || returned !== undefined) return [operation]
    if (!made.has(input.mark)) return []
    return [{ ...operation, returned: { at: lastReadingsAt, output: 'lost' } }]
  })
}

/** What an operation on a group is to each of its documents. */
function sidesOf(operation: MixedOperation): MixedOperation[] {
  const { input, returned } = operation
  if (input.on !== 'group') return []
  const { group } = input
  const as = (
    side: 'left' | 'right',
    what: { readonly do: 'read' } | { readonly do: 'set' | 'update'; readonly mark: string },
    output: Output = 'lost',
  ): MixedOperation => ({
    ...operation,
    input: { on: 'document', key: `${group}-${side}`, ...what },
    returned: returned && { at: returned.at, output },
  })
  switch (input.do) {
    case 'set':
      return [as(input.side, { do: 'set', mark: input.mark })]
    case 'move':
      return [
        as('left', { do: 'update', mark: input.mark }),
        as('right', { do: 'update', mark: input.mark }),
      ]
    case 'look': {
      const output = returned?.output
      if (typeof output !== 'object' || !('left' in output)) return []
      return [
        as('left', { do: 'read' }, { seen: output.left }),
        as('right', { do: 'read' }, { seen: output.right }),
      ]
    }
  }
}

/** What it is to its counter. */
function countOf(operation: MixedOperation): MixedOperation[] {
  const { input, returned } = operation
  if (input.on !== 'group' || input.do === 'set') return []
  const output = returned?.output
  const name = `moves-${input.group}`
  if (input.do === 'move') {
    const lost = returned && { at: returned.at, output: 'lost' as const }
    return [{ ...operation, input: { on: 'counter', name, do: 'increment' }, returned: lost }]
  }
  if (returned === undefined || typeof output !== 'object' || !('moves' in output)) return []
  const told = { at: returned.at, output: { value: output.moves } }
  return [{ ...operation, input: { on: 'counter', name, do: 'read' }, returned: told }]
}

function complaintsAboutHits(history: MixedHistory, hits: number): string[] {
  const increments = history.filter(
    ({ input }) => input.on === 'counter' && input.name === 'hits' && input.do === 'increment',
  )
  const acknowledged = increments.filter(({ returned }) => returned !== undefined).length
  if (hits >= acknowledged && hits <= increments.length) return []
  return [`hits are ${hits}; ${acknowledged} of ${increments.length} were acknowledged`]
}

const linesTold = 12

function told(what: string, found: Counterexample<unknown, unknown, unknown>): string {
  const line = (each: unknown): string => `    ${JSON.stringify(each)}`
  return [
    `${what} ${found.partition} is not linearizable. In order, at last:`,
    ...found.order.slice(-linesTold).map(line),
    `  That leads to ${JSON.stringify(found.state)}. None of these can follow:`,
    ...found.unplaced.map(line),
  ].join('\n')
}
