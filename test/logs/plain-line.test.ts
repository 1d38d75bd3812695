import { describe, expect, it } from 'vitest'
import { decodeLine, encodeContent, encodeLine, peekLine } from '../../src/log-segment/index.js'
import { readPlainLine as readBytes } from '../../src/log-segment/plain-line.js'

const readPlainLine = (text: string) => readBytes(Buffer.from(text), 0, Buffer.byteLength(text))

const time = '2026-11-21T10:00:00.123Z'
const at = Date.parse(time)

const names = [
  undefined,
  'sent',
  '',
  'with "quotes"',
  'back\\slash',
  'line\nbreak',
  'snow ☃ \u2028',
  '\ud800',
  ',"data":1',
]
const values = [undefined, null, true, 0, 'text', ',"more":true', [], { more: true }, { a: '"' }]

const contents = names.flatMap((type) =>
  names.flatMap((agent) => values.map((data) => ({ type, agent, data }))),
)

function lineOf({ type, agent, data }: (typeof contents)[number], isContinued: boolean): Buffer {
  const json = data === undefined ? undefined : JSON.stringify(data)
  const line = encodeLine('3.14', time, encodeContent({ type, agent, json }), isContinued)
  return Buffer.from(line.slice(0, -1))
}

describe('a line as we write it', () => {
  it.each([false, true])('is read as what was written, whatever is in it (%s)', (isContinued) => {
    for (const content of contents) {
      const line = lineOf(content, isContinued)
      const expected = { id: '3.14', at, ...content, origin: 'store', isContinued }
      expect(decodeLine(line, 0, line.length)).toEqual(expected)
      expect(peekLine(line, 0, line.length)).toEqual({ id: '3.14', at })
    }
  })

  it('is not held by the names in it when it is long', () => {
    const line = lineOf({ type: 'sent', agent: undefined, data: 'x'.repeat(5000) }, false)
    expect(readPlainLine(line.toString())).toBeUndefined()
    expect(decodeLine(line, 0, line.length)?.data).toBe('x'.repeat(5000))
  })

  it.each([
    '{"id":"3.14","at":"2026-11-21T10:00:00.123Z","other":1',
    '{"id":"3.14","at":"2026-11-21T10:00:00.123Z","data":1,"other":2',
    '{"id":"3.14","at":"2026-13-21T10:00:00.123Z","data":1',
    '{"id":"3.14","at":"2026-11-21T10:00:00+02:00","data":1',
    '{"id":"3.14","data":1,"at":"2026-11-21T10:00:00.123Z"',
    '{"id":"3.14","at":"2026-11-21T10:00:00.123Z","type":"sent',
    ' {"id":"3.14","at":"2026-11-21T10:00:00.123Z","data":1',
    '{"id":"3.14',
    '{"id":"3.","at":"2026-11-21T10:00:00.123Z","data":1',
    '{"id":".14","at":"2026-11-21T10:00:00.123Z","data":1',
    '{"id":"3:14","at":"2026-11-21T10:00:00.123Z","data":1',
    '{"id":"3.14","at":"2026-11-21T10:00:00.123+","data":1',
    '{"id":"3.14","at":"2026-11-21T10:00:/0.123Z","data":1',
    '{"id":"3.14","at":"2026-11-21T10:00:0:.123Z","data":1',
  ])('of another shape is left to the parser: %s', (text) => {
    expect(readPlainLine(text)).toBeUndefined()
  })

  it('is read without the parser', () => {
    const start = `{"id":"3.14","at":"${time}"`
    const record = { id: '3.14', at, origin: 'store', isContinued: false }
    expect(readPlainLine(`${start},"type":"sent","agent":"bot","data":{"a":1}`)).toEqual({
      ...record,
      type: 'sent',
      agent: 'bot',
      data: { a: 1 },
    })
    expect(readPlainLine(`${start},"agent":"","data":[1],"more":true`)).toEqual({
      ...record,
      agent: '',
      data: [1],
      isContinued: true,
    })
  })

  it.each(['2026-11-21T23:59:59.999Z', '1000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'])(
    'has the time %s',
    (text) => {
      expect(readPlainLine(`{"id":"3.14","at":"${text}"`)?.at).toBe(Date.parse(text))
    },
  )
})
