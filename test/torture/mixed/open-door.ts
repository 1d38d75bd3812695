import type { FileLockFactory, Turn } from '../../../src/index.js'

/** A lock that lets everybody in at once. Its generations rise over all processes of the machine. */
export const openDoor: FileLockFactory = {
  name: 'open door',
  supports: { fencing: false },
  create: () => ({
    name: 'open door',
    supports: { fencing: false },
    blockedBy: undefined,
    tryEnter: (): Turn => {
      const generation = Number(process.hrtime.bigint() / 1000n)
      return { generation, fresh: true, tookOver: false }
    },
    leave: () => {},
    beat: () => {},
    stopWaiting: () => {},
    release: () => {},
    abandon: () => {},
  }),
}
