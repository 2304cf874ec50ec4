import { createHash, randomUUID } from 'node:crypto'
import type { Records } from '../store/records.js'

/** Milliseconds. No logout token is valid for longer. */
const LIFETIME = 600_000
/** Milliseconds until another process can take over from one that crashed. */
const AT_WORK = 15_000

const USED = 'used'

export type OnceResult = 'done' | 'used' | 'busy'

/** Processes a logout token once across all processes. After a failure, it can be sent again. */
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
      // Even if the claim failed, because it may have reached the store.
      await records.renew(lock, owner, 0).catch(() => undefined)
    }
  }
}

export type DoOnce = ReturnType<typeof createUsedTokens>
