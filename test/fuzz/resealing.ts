/** Spoiling as somebody does who then makes the checksum right. */
import { createHash } from 'node:crypto'
import { crc32 } from '../../src/log-segment/index.js'
import { mutated, type Random } from './mutations.js'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const spoil = (value: unknown, random: Random): unknown =>
  JSON.parse(mutated(Buffer.from(JSON.stringify(value)), random).toString('utf8'))

function sealed(bytes: Buffer, random: Random): Buffer {
  const whole = JSON.parse(bytes.toString('utf8')) as { holdfast: string; body: unknown }
  const body = JSON.stringify(spoil(whole.body, random))
  const checksum = sha256(body).slice(0, 16)
  return Buffer.from(`{"holdfast":"${whole.holdfast}","checksum":"${checksum}","body":${body}}\n`)
}

function intent(bytes: Buffer, random: Random): Buffer {
  const whole = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
  const which = random() < 0.6 ? 'documents' : 'appends'
  whole[which] = spoil(whole[which], random)
  const parts = `${JSON.stringify(whole.documents)} ${JSON.stringify(whole.appends)}`
  const checksum = sha256(`${whole.revision} ${whole.savedAt} ${parts}`)
  return Buffer.from(`${JSON.stringify({ ...whole, checksum })}\n`)
}

function lines(bytes: Buffer, random: Random): Buffer {
  const spoilt = mutated(bytes, random).toString('utf8').split('\n')
  return Buffer.from(
    spoilt
      .map((line) => {
        const at = line.lastIndexOf(',"sum":"')
        if (at < 0) return line
        const body = line.slice(0, at)
        return `${body},"sum":"${crc32(body).toString(16).padStart(8, '0')}"}`
      })
      .join('\n'),
  )
}

/** Undefined for files without a checksum, and where the spoilt parts are no JSON any more. */
export function resealed(path: string, bytes: Buffer, random: Random): Buffer | undefined {
  try {
    if (path.includes('/.holdfast/intents/')) return intent(bytes, random)
    if (path.includes('/.holdfast/logs/')) return sealed(bytes, random)
    return path.endsWith('.jsonl') ? lines(bytes, random) : undefined
  } catch {
    // Not JSON, or nested too deeply to be written as such.
    return undefined
  }
}
