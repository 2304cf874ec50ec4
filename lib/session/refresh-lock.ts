import { randomUUID } from 'node:crypto'
import type { Records } from '../store/records.js'

/** A lock that was acquired. */
export interface HeldLock {
  /** False as soon as it may have expired: another process may be at work by now. */
  isSure(): boolean
  /** Releases it. */
  release(): Promise<void>
}

/** Long enough to survive a slow store, short enough for users to wait for the successor of a dead holder. */
const LONGEST = 10_000

/** Lets one process at a time refresh the tokens of a session. */
export function createRefreshLock(records: Records, { prefix, ttl }: { prefix: string; ttl: number }) {
  const bounded = Math.min(LONGEST, ttl)
  return {
    /** Milliseconds after which the lock of a holder that has died is free again. */
    ttl: bounded,
    /** Undefined when somebody else holds it. */
    acquire: async (sessionId: string): Promise<HeldLock | undefined> => {
      const key = `${prefix}l:${sessionId}`
      const owner = randomUUID()
      // Counted from before the store was asked, on a clock that goes on while this process stands still.
      let sureUntil = performance.now() + bounded
      const claimed = records.claim(key, owner, bounded)
      // A claim whose answer was late may still have been granted.
      claimed.catch(() => records.release(key, owner).catch(() => undefined))
      if (!(await claimed)) return undefined
      // Held for as long as the holder lives and works, however slow Auth0 is.
      const renew = async () => {
        const until = performance.now() + bounded
        // A lost lock stays lost.
        sureUntil = (await records.renew(key, owner, bounded)) ? Math.max(sureUntil, until) : -Infinity
      }
      const beat = setInterval(() => void renew().catch(() => undefined), bounded / 3)
      beat.unref()
      return {
        isSure: () => performance.now() < sureUntil,
        release: () => {
          clearInterval(beat)
          // Only our own lock. After a pause of this process, another one may hold it.
          return records.release(key, owner).catch(() => undefined)
        },
      }
    },
  }
}

export type RefreshLock = ReturnType<typeof createRefreshLock>
