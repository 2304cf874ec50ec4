import type { VerifyLogoutToken } from '../auth0/logout-token.js'
import { AuthError, SessionUnavailableError } from '../errors.js'
import type { DoOnce } from '../pending/used-tokens.js'
import type { RevokeSessions } from './revoke-sessions.js'
import type { WhoAsks } from './who-asks.js'

export interface BackchannelLogoutParts {
  verify: VerifyLogoutToken
  once: DoOnce
  userSessions: RevokeSessions
}

/**
 * Ends what a logout token names: by `sid` what came from that session at Auth0, by `sub` all sessions of the user. A
 * token without a session of ours is accepted. Rejects with `invalid_request` for one that is invalid or was
 * used before, with `session_unavailable` while a copy of it is at work.
 */
export type BackchannelLogout = (token: unknown, who: WhoAsks) => Promise<void>

export function createBackchannelLogout(parts: BackchannelLogoutParts): BackchannelLogout {
  const { verify, once, userSessions } = parts
  return async (token, who) => {
    const { jti, sid, sub = '' } = await verify(token)
    const result = await once(jti, () =>
      sid === undefined ? userSessions.revokeAll(sub, { who }) : userSessions.revokeSid(sid, who),
    )
    if (result === 'used') {
      throw new AuthError('invalid_request', { detail: 'the logout token is not valid: it was already used' })
    }
    // The first request may still fail. This copy could end a login made after the first one finished.
    if (result === 'busy') throw new SessionUnavailableError('a copy of this logout token is being processed')
  }
}
