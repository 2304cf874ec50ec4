import { createHash, randomUUID } from 'node:crypto'
import type { Records } from '../store/records.js'

/** Milliseconds. No logout token is valid for longer. */
const LIFETIME = 600_000
/** Milliseconds for which a crashed process keeps others from handling the token. */
const AT_WORK = 15_000

const USED = 'used'

export type OnceResult = 'done' | 'used' | 'busy'

/** Handles a logout token once across all processes. If that fails, it may be repeated. */
export function createUsedTokens({ records, prefix }: { records: Records; prefix: string }) {
  return async (jti: string, work: () => Promise<unknown>): Promise<OnceResult> => {
    const key = `${prefix}j:${createHash('sha256').update(jti).digest('base64url')}`
    const [lock, owner] = [`${key}:lock`, randomUUID()]
    try {
      if (!(await records.claim(lock, owner, AT_WORK))) return 'busy'
      if (await records.renew(key, USED, LIFETIME)) return 'used'
      await work()
      await records.claim(key, USED, LIFETIME)
      return 'done'
    } finally {
      // Also after a failed claim, which may have reached the store.
      await records.release(lock, owner).catch(() => undefined)
    }
  }
}

export type DoOnce = ReturnType<typeof createUsedTokens>
