import type { VerifyLogoutToken } from '../auth0/logout-token.js'
import { AuthError } from '../errors.js'
import type { Config } from '../options/options.js'
import type { UsedTokens } from '../pending/used-tokens.js'
import type { RevokeSessions } from './revoke-sessions.js'
import type { WhoAsks } from './who-asks.js'

export interface BackchannelLogoutParts {
  config: Config
  verify: VerifyLogoutToken
  used: UsedTokens
  userSessions: RevokeSessions
}

/**
 * Ends what a logout token names: by `sid` what came from that session at Auth0, by `sub` all sessions of the user. A
 * token without a session of ours is accepted. Rejects with `invalid_request` for one that is invalid or was used before.
 */
export type BackchannelLogout = (token: unknown, who: WhoAsks) => Promise<void>

export function createBackchannelLogout(parts: BackchannelLogoutParts): BackchannelLogout {
  const { config, verify, used, userSessions } = parts
  return async (token, who) => {
    const { jti, expiresAt, sid, sub = '' } = await verify(token)
    const left = expiresAt * 1000 - config.clock() + TOLERANCE
    if (!(await used.use(jti, Math.max(left, TOLERANCE)))) {
      throw new AuthError('invalid_request', { detail: 'the logout token is not valid: it was used before' })
    }
    try {
      if (sid === undefined) await userSessions.revokeAll(sub, { who })
      else await userSessions.revokeSid(sid, who)
    } catch (err) {
      await used.giveBack(jti)
      throw err
    }
  }
}

/** Milliseconds by which the verification lets a token live longer. */
const TOLERANCE = 60_000
