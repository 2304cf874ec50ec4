import type { VerifyLogoutToken } from '../auth0/logout-token.js'
import { AuthError } from '../errors.js'
import type { UsedTokens } from '../pending/used-tokens.js'
import type { RevokeSessions } from './revoke-sessions.js'
import type { WhoAsks } from './who-asks.js'

export interface BackchannelLogoutParts {
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
  const { verify, used, userSessions } = parts
  return async (token, who) => {
    const { jti, sid, sub = '' } = await verify(token)
    if (await used.has(jti)) {
      throw new AuthError('invalid_request', { detail: 'the logout token is not valid: it was used before' })
    }
    if (sid === undefined) await userSessions.revokeAll(sub, { who })
    else await userSessions.revokeSid(sid, who)
    // Last: one whose work failed halfway must work when it is sent again.
    await used.add(jti)
  }
}
