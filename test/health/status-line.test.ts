import { describe, expect, it } from 'vitest'
import {
  type ComponentFacts,
  formatAge,
  formatStatusLine,
  type StatusLineFacts,
  wantsColor,
} from '../../src/health/status-line.js'
import { cutTo, fitForTerminal, widthOf } from '../../src/health/terminal-text.js'

const minute = 60_000

const components: readonly ComponentFacts[] = [
  { component: 'web', status: 'ok', forMs: 1000 },
  { component: 'disk', status: 'warning', forMs: 2 * 60 * minute, details: { free: 12 } },
  { component: 'db', status: 'ok', forMs: 1000 },
  { component: 'email', status: 'error', forMs: 5 * minute, details: 'timeout' },
  { component: 'chat', status: 'error', forMs: 0 },
]

const facts: StatusLineFacts = {
  session: 's1',
  workspace: 'demo',
  location: '/srv/.state',
  locks: ['post', 'deploy'],
  components,
  ageMs: 12_345,
}

const whole =
  'session s1 | workspace demo | state /srv/.state | locks deploy, post | error chat 0s | error email 5m (timeout) | warning disk 2h ({"free":12}) | ok db, web | as of 12s ago'

const plain = (some: StatusLineFacts, maxWidth?: number): string =>
  formatStatusLine(some, { color: false, maxWidth })

describe('the status line', () => {
  it('tells all, the worst of health first', () => {
    expect(plain(facts)).toBe(whole)
  })

  it('colours the statuses and nothing else', () => {
    const [red, yellow, green, off] = ['\u001b[31m', '\u001b[33m', '\u001b[32m', '\u001b[0m']
    expect(formatStatusLine({ ...facts, session: undefined, locks: [] }, { color: true })).toBe(
      `workspace demo | state /srv/.state | no locks | ${red}error${off} chat 0s | ${red}error${off} email 5m (timeout) | ${yellow}warning${off} disk 2h ({"free":12}) | ${green}ok${off} db, web | as of 12s ago`,
    )
  })

  it('leaves out what is not known', () => {
    expect(plain({ components: [] })).toBe('no health recorded | never checked')
  })

  it('is one line whatever the names and details are', () => {
    const hostile: StatusLineFacts = {
      session: 'a\u001b]0;title\u0007b',
      workspace: 'line\r\nbreak\u2028\u0085',
      location: '/tmp/\u001b[2J',
      locks: ['l\u0000ck\t'],
      components: [
        { component: '\u202egnp.exe', status: 'error', forMs: 0, details: '\u009b31m\u007f' },
        { component: 'x', status: 'error', forMs: 0, details: { message: '\u001b[31m' } },
        { component: '\ud800', status: 'ok', forMs: 0 },
        { component: '__proto__', status: 'ok', forMs: 0 },
      ],
    }
    expect(plain(hostile)).toBe(
      'session a?]0;title?b | workspace line??break?? | state /tmp/?[2J | locks l?ck? | error x 0s ({"message":"\\u001b[31m"}) | error ?gnp.exe 0s (?31m?) | ok __proto__, ? | never checked',
    )
  })

  it('cuts long names and details, and leaves the rest of the line', () => {
    const component = 'n'.repeat(8192)
    const details = 'd'.repeat(100_000)
    const line = plain({ components: [{ component, status: 'error', forMs: 0, details }] })
    expect(line).toBe(`error ${'n'.repeat(59)}… 0s (${'d'.repeat(59)}…) | never checked`)
  })

  it.each([
    [whole.length, whole],
    [whole.length + 1, whole],
    [whole.length - 1, `${whole.slice(0, whole.length - 2)}…`],
    [20, 'session s1 | worksp…'],
    [2, 's…'],
    [1, '…'],
  ])('is cut to %i columns', (maxWidth, expected) => {
    expect(plain(facts, maxWidth)).toBe(expected)
  })

  it('is cut between the characters of a reader, in columns of a terminal', () => {
    const line = (maxWidth: number) =>
      plain({ session: '漢字e\u0301👩‍👩‍👧‍👦!', components: [] }, maxWidth)
    expect(line(9)).toBe('session …')
    expect(line(10)).toBe('session …')
    expect(line(11)).toBe('session 漢…')
    expect(line(13)).toBe('session 漢字…')
    expect(line(14)).toBe('session 漢字e\u0301…')
    expect(line(15)).toBe('session 漢字e\u0301…')
    expect(line(16)).toBe('session 漢字e\u0301👩‍👩‍👧‍👦…')
  })

  it('ends every colour, also where it is cut', () => {
    const errors = { components: [{ component: 'a', status: 'error', forMs: 0 }] } as const
    expect(formatStatusLine(errors, { color: true, maxWidth: 4 })).toBe('\u001b[31merr\u001b[0m…')
    expect(formatStatusLine(errors, { color: true, maxWidth: 8 })).toBe(
      '\u001b[31merror\u001b[0m a…',
    )
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('has no width of %d', (maxWidth) => {
    expect(() => plain(facts, maxWidth)).toThrow(
      expect.objectContaining({ code: 'STATE_INVALID_OPTION' }),
    )
  })
})

describe('an age', () => {
  it.each([
    [-5000, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_599_999, '59m'],
    [3_600_000, '1h'],
    [86_399_999, '23h'],
    [86_400_000, '1d'],
    [86_400_000 * 400, '400d'],
  ])('of %i ms is %s', (durationMs, expected) => {
    expect(formatAge(durationMs)).toBe(expected)
  })
})

describe('colour', () => {
  it.each([
    [true, false, { NO_COLOR: '1' }, true],
    [false, true, {}, false],
    ['auto', true, {}, true],
    ['auto', false, {}, false],
    ['auto', true, { NO_COLOR: '1' }, false],
    ['auto', true, { NO_COLOR: '' }, true],
    ['auto', true, { TERM: 'dumb' }, false],
  ] as const)('%s, terminal: %s, %o: %s', (setting, isTerminal, environment, expected) => {
    expect(wantsColor(setting, { isTerminal, environment })).toBe(expected)
  })
})

describe('text for a terminal', () => {
  it('is measured in columns', () => {
    expect(widthOf('abc')).toBe(3)
    expect(widthOf('漢字')).toBe(4)
    expect(widthOf('e\u0301')).toBe(1)
    expect(widthOf('👍🏽')).toBe(2)
    expect(widthOf('❤️')).toBe(2)
    expect(widthOf('🇩🇪')).toBe(2)
  })

  it('keeps what is harmless', () => {
    for (const text of ['plain ~', 'é漢字', '👩‍👩‍👧‍👦', '❤️'])
      expect(fitForTerminal(text)).toBe(text)
  })

  it('holds no control, whatever the character', () => {
    for (let code = 0; code <= 0xffff; code++) {
      const fit = fitForTerminal(String.fromCharCode(code))
      if (code < 0x20 || (code >= 0x7f && code < 0xa0)) expect(fit).toBe('?')
    }
  })

  it('piles up no accents', () => {
    expect(cutTo(`a${'\u0301'.repeat(100_000)}`, 10)).not.toContain('\u0301')
    expect(cutTo(`a${'\u0301'.repeat(100)}b`, 10)).toBe('?b')
  })
})
