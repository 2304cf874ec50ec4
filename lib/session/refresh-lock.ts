import { randomUUID } from 'node:crypto'
import type { Records } from '../store/records.js'

export interface HeldLock {
  /** False once it may have expired and another process may hold it. */
  isSure(): boolean
  release(): Promise<unknown>
}

/** Longer than a slow store takes, shorter than users wait when the holder has crashed. */
const LONGEST = 10_000

/** Lets one process at a time refresh the tokens of a session. */
export function createRefreshLock(records: Records, { prefix, ttl }: { prefix: string; ttl: number }) {
  const bounded = Math.min(LONGEST, ttl)
  return {
    /** Milliseconds after which the lock of a crashed holder is free. */
    ttl: bounded,
    /** Undefined if another process holds it. */
    acquire: async (sessionId: string): Promise<HeldLock | undefined> => {
      const [key, owner] = [`${prefix}l:${sessionId}`, randomUUID()]
      // Only if it is still ours: after a pause of this process, another one may hold it.
      const free = () => records.renew(key, owner, 0).catch(() => undefined)
      // Measured from before the call, on a clock that keeps running while this process is suspended.
      let sureUntil = performance.now() + bounded
      const claimed = records.claim(key, owner, bounded)
      // A claim that timed out may still have been granted.
      claimed.catch(free)
      if (!(await claimed)) return undefined
      // Renewed for as long as Auth0 takes.
      const renew = async () => {
        const until = performance.now() + bounded
        // A lost lock is never regained.
        sureUntil = (await records.renew(key, owner, bounded)) ? Math.max(sureUntil, until) : -Infinity
      }
      const beat = setInterval(() => void renew().catch(() => undefined), bounded / 3)
      beat.unref()
      const release = () => {
        clearInterval(beat)
        return free()
      }
      return { isSure: () => performance.now() < sureUntil, release }
    },
  }
}

export type RefreshLock = ReturnType<typeof createRefreshLock>
