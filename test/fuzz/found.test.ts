/** What spoilt inputs have brought to light, one case each. */
import { describe, expect, it } from 'vitest'
import { parseOwner } from '../../src/file-lock/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { salvageLine } from '../../src/log-segment/index.js'
import { jsonSerializer } from '../../src/serializer/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import { judge, markedTime, markOf } from '../../src/storage/file/document-file.js'
import { sweepIncarnations } from '../../src/storage/file/incarnation.js'
import { decodeManifest, encodeManifest } from '../../src/storage/file/log-manifest.js'
import { Machine } from '../faults/machine.js'
import { openStore } from '../faults/opened-store.js'

const address = { collection: 'tasks', key: 'a' }
const byHand = (text: string, serializer = jsonSerializer()) =>
  judge(serializer, address, Buffer.from(text), 0)

function write(disk: MemoryFileSystem, path: string, text: string): void {
  const file = disk.blocking.open(path, 'create')
  const bytes = Buffer.from(text)
  disk.blocking.write(file, bytes, 0, bytes.length, 0)
  disk.blocking.close(file)
}

describe('a document', () => {
  it('whose envelope has lost its value does not pass for one that is absent', () => {
    const facts = '"revision":"1.1","savedAt":"2026-01-01T00:00:00.000Z"'
    const checksum = '"checksum":"sha256:0000000000000000"'
    const text = `{"0":1,"$holdfast":{${facts},"envelope":true,${checksum}}}`
    expect(byHand(text)).toMatchObject({ kind: 'damaged' })
  })

  it('that is nested more deeply than a store allows is damaged', () => {
    expect(byHand('['.repeat(5000) + ']'.repeat(5000))).toMatchObject({ kind: 'damaged' })
  })

  it.each(['a: &a [*a]', '%YAML 1.1\n---\nwhen: 2026-01-01\n', `a: ${'['.repeat(100_000)}`])(
    'of YAML that says what no store holds is damaged (%#)',
    (text) => {
      expect(byHand(text, yamlSerializer())).toMatchObject({ kind: 'damaged' })
    },
  )

  it('in which null was hit so that it reads as a number is damaged', async () => {
    const disk = new MemoryFileSystem()
    const { store } = await openStore({ fileSystem: disk })
    const { savedAt } = await store.collection('tasks').set('a', { n: null })
    const text = Buffer.from(disk.blocking.readFile('/store/tasks/a.json')).toString('utf8')
    const spoilt = Buffer.from(text.replace('null', '1e999'))
    const modified = markedTime(savedAt, markOf(address))
    const verdict = judge(jsonSerializer(), address, spoilt, modified)
    expect(verdict).toMatchObject({ kind: 'damaged' })
    await store.close()
  })
})

describe('who holds a lock', () => {
  it('cannot ask to hold it for ever, or to have another directory emptied', () => {
    const spoilt = '{"ttlMs":1e999,"incarnation":"../../../tasks","pid":"1","name":7,"host":"here"}'
    expect(parseOwner(spoilt)).toEqual({ host: 'here' })
  })

  it.each(['null', '[]', '7', ''])('is nobody when the file says %j, and is swept', (text) => {
    const disk = new MemoryFileSystem()
    disk.blocking.makeDirectory('/writers', 0o700)
    disk.blocking.makeDirectory('/writers/1-aa', 0o700)
    write(disk, '/writers/1-aa.json', text)
    write(disk, '/writers/.DS_Store', 'of a file manager')
    expect(sweepIncarnations(disk.blocking, '/writers', new Machine().start())).toBe(1)
    expect(disk.blocking.status('/writers/.DS_Store')).toBeDefined()
  })
})

describe('a log', () => {
  it('is read in time that grows with a damaged line, not with its square', () => {
    const list = Array.from({ length: 150_000 }, (_, id) => `{"id":"${id}"}`).join()
    const line = Buffer.from(`{"id":"1.1","data":[${list}],"sum":"00000000"}`)
    expect(salvageLine(line, 0, line.length)).toMatchObject({
      records: [],
      damaged: [{ start: 0, end: line.length }],
    })
  })

  it('does not take a manifest for one that says no sizes', () => {
    const spoilt = { log: 'sent', segments: [{ number: 1, bytes: 'many' }] }
    expect(decodeManifest(encodeManifest(spoilt as never))).toBeUndefined()
  })
})

it('a redo intent that is nested too deeply to be checked is set aside', async () => {
  const disk = new MemoryFileSystem()
  const first = await openStore({ fileSystem: disk })
  await first.store.close()
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const head = '{"revision":"1.1","savedAt":0,"checksum":"","appends":[],"documents":'
  write(disk, '/store/.holdfast/intents/1.1.json', `${head}${deep}}`)
  const { eventsOf, store } = await openStore({ fileSystem: disk })
  expect(eventsOf('state:corrupt')).toMatchObject([{ reason: 'a damaged redo intent' }])
  await store.close()
})
