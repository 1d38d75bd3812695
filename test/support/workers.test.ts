import { describe, expect, it } from 'vitest'
import { WorkerProcess } from './workers.js'

const start = (): WorkerProcess =>
  WorkerProcess.start('support/echo.worker.ts', { greeting: 'hello' })

describe('WorkerProcess', () => {
  it('passes arguments in and messages both ways, in order', async () => {
    await using worker = start()
    worker.send({ type: 'echo', text: 'one' })
    worker.send({ type: 'echo', text: 'two' })
    expect(await worker.next('echo')).toEqual({ type: 'echo', text: 'one' })
    expect(await worker.next('ready')).toEqual({ type: 'ready', greeting: 'hello' })
    expect(await worker.next('echo')).toEqual({ type: 'echo', text: 'two' })
  })

  it('delivers what was said before the end, then rejects', async () => {
    await using worker = start()
    worker.send({ type: 'leave' })
    expect(await worker.exited).toEqual({ code: 0, signal: null, stderr: '' })
    await worker.next('farewell')
    await expect(worker.next('farewell')).rejects.toThrow("ended with code 0 before 'farewell'")
  })

  it('rejects with the exit code and stderr, at the line of the source', async () => {
    await using worker = start()
    const never = worker.next('never')
    worker.send({ type: 'fail' })
    await expect(never).rejects.toThrow(
      /ended with code 1 [\s\S]*as you wish[\s\S]*echo\.worker\.ts:/,
    )
  })

  it('kills, also a stopped process', async () => {
    await using worker = start()
    await worker.next('ready')
    worker.stop()
    const never = worker.next('never')
    worker.kill()
    await expect(never).rejects.toThrow('signal SIGKILL')
    expect(await worker.exited).toMatchObject({ code: null, signal: 'SIGKILL' })
  })

  it('continues a stopped process where it was', async () => {
    await using worker = start()
    await worker.next('ready')
    worker.stop()
    worker.send({ type: 'echo', text: 'late' })
    worker.continue()
    expect(await worker.next('echo')).toMatchObject({ text: 'late' })
  })

  it('rejects when there is no such worker', async () => {
    await using worker = WorkerProcess.start('support/missing.worker.ts')
    await expect(worker.next('ready')).rejects.toThrow('missing.worker.mjs')
  })
})
