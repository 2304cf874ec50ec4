import { randomUUID } from 'node:crypto'
import type { Records } from './records.js'

/** Of all processes one at a time may refresh the tokens of a session. */
export interface RefreshLock {
  /** The way to give it back, or undefined when somebody else holds it. */
  acquire(sessionId: string): Promise<(() => Promise<void>) | undefined>
  /** Milliseconds after which a lock is free again whose holder has died. */
  readonly ttl: number
}

export function createRefreshLock(records: Records, { prefix, ttl }: { prefix: string; ttl: number }): RefreshLock {
  return {
    ttl,
    acquire: async (sessionId) => {
      const key = `${prefix}l:${sessionId}`
      const owner = randomUUID()
      if (!(await records.claim(key, owner, ttl))) return undefined
      // Only our own lock: after a pause it may be somebody else's by now.
      return () => records.release(key, owner).catch(() => undefined)
    },
  }
}
