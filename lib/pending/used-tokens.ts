import { createHash } from 'node:crypto'
import type { Records } from '../store/records.js'

/** Milliseconds. No logout token is valid for longer. */
const LIFETIME = 600_000

const USED = 'used'

/** Logout tokens that have done their work, so that none works again in any process. */
export function createUsedTokens({ records, prefix }: { records: Records; prefix: string }) {
  const keyOf = (jti: string) => `${prefix}j:${createHash('sha256').update(jti).digest('base64url')}`
  return {
    has: (jti: string) => records.renew(keyOf(jti), USED, LIFETIME),
    add: (jti: string) => records.claim(keyOf(jti), USED, LIFETIME),
  }
}

export type UsedTokens = ReturnType<typeof createUsedTokens>
