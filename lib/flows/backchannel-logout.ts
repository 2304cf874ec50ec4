import { invalidToken, type VerifyLogoutToken } from '../auth0/logout-token.js'
import { SessionUnavailableError } from '../errors.js'
import type { DoOnce } from '../pending/used-tokens.js'
import type { RevokeSessions } from './revoke-sessions.js'
import type { WhoAsks } from './who-asks.js'

export interface BackchannelLogoutParts {
  verify: VerifyLogoutToken
  once: DoOnce
  userSessions: RevokeSessions
}

/**
 * Ends the sessions that a logout token names: those from the Auth0 session `sid`, or all sessions of the user `sub`.
 * Accepts a token that matches no session. Rejects with `invalid_request` if the token is invalid or already used, and
 * with `session_unavailable` while a copy of it is being processed.
 */
export type BackchannelLogout = (token: unknown, who: WhoAsks) => Promise<void>

export function createBackchannelLogout(parts: BackchannelLogoutParts): BackchannelLogout {
  const { verify, once, userSessions } = parts
  return async (token, who) => {
    const { jti, sid, sub = '' } = await verify(token)
    const result = await once(jti, () =>
      sid === undefined ? userSessions.revokeAll(sub, { who }) : userSessions.revokeSid(sid, who),
    )
    if (result === 'used') throw invalidToken('it was already used')
    // Not accepted as used, because the first request may still fail.
    if (result === 'busy') throw new SessionUnavailableError('a copy of this logout token is being processed')
  }
}
