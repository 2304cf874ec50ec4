import { createHash } from 'node:crypto'
import type { Records } from '../store/records.js'

/** Logout tokens that were used, so that none works twice in any process. */
export function createUsedTokens({ records, prefix }: { records: Records; prefix: string }) {
  const keyOf = (jti: string) => `${prefix}j:${createHash('sha256').update(jti).digest('base64url')}`
  return {
    /** True for the first who uses it within this time in milliseconds. */
    use: (jti: string, ttl: number) => records.claim(keyOf(jti), 'used', Math.ceil(ttl)),
    /** It has not done its work, so it may come again. */
    giveBack: (jti: string) => records.release(keyOf(jti), 'used').catch(() => undefined),
  }
}

export type UsedTokens = ReturnType<typeof createUsedTokens>
