import { randomUUID } from 'node:crypto'
import type { Records } from './records.js'

/** Of all processes one at a time may refresh the tokens of a session. */
export interface RefreshLock {
  /** The way to give it back, or undefined when somebody else holds it. */
  acquire(sessionId: string): Promise<(() => Promise<void>) | undefined>
  /** Milliseconds after which the lock of a holder that has died is free again. */
  readonly ttl: number
}

/** Long enough to survive a slow store, short enough for users to wait for the successor of a dead holder. */
const LONGEST = 10_000

export function createRefreshLock(records: Records, { prefix, ttl }: { prefix: string; ttl: number }): RefreshLock {
  const bounded = Math.min(LONGEST, ttl)
  return {
    ttl: bounded,
    acquire: async (sessionId) => {
      const key = `${prefix}l:${sessionId}`
      const owner = randomUUID()
      const claimed = records.claim(key, owner, bounded)
      // A claim whose answer did not come in time may still be granted, to nobody.
      claimed.catch(() => records.release(key, owner).catch(() => undefined))
      if (!(await claimed)) return undefined
      // Held for as long as the holder lives and works, however slow Auth0 is.
      const beat = setInterval(() => void records.renew(key, owner, bounded).catch(() => undefined), bounded / 3)
      beat.unref()
      return () => {
        clearInterval(beat)
        // Only our own lock: after a pause of this process it may be somebody else's by now.
        return records.release(key, owner).catch(() => undefined)
      }
    },
  }
}
