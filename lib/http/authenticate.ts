import type { IncomingMessage } from 'node:http'
import { AuthError } from '../errors.js'
import type { SessionRequest } from '../session/session-middleware.js'
import { leaving } from './complete-error.js'
import { authOf, currentAuth, type AuthParts } from './request-auth.js'
import type { RequestAuth } from './types.js'

/** A request on its way through guards. */
export type GuardedRequest = IncomingMessage & { auth?: unknown }

/** Resolves to `req.auth`, or to the error that explains why there is none. Rejects with `session_unavailable`. */
export type Identify = (req: GuardedRequest) => Promise<RequestAuth | AuthError>

/** Reads the session once per request, even with several guards. */
export function createIdentify(parts: AuthParts): Identify {
  return async (req) => {
    const known = currentAuth(req, parts)
    if (known) return known
    const presented = await parts.sessions.present(req)
    if (presented.state === 'live') return authOf(req, presented, parts)
    return new AuthError(presented.state === 'ended' ? 'session_expired' : 'unauthenticated')
  }
}

/** `auth.authenticate`: returns who is logged in, for any Node request. Rejects with `session_unavailable`. */
export function createAuthenticate(identify: Identify, { completeError }: Pick<AuthParts, 'completeError'>) {
  return async (req: IncomingMessage): Promise<RequestAuth | undefined> => {
    const found = await leaving(identify(req), completeError)
    return found instanceof AuthError ? undefined : found
  }
}

/** `req.auth` of a request on which `auth.session` is mounted. */
export function mountedAuth(req: SessionRequest, parts: AuthParts): RequestAuth | undefined {
  const live = parts.sessions.mounted(req)
  // Not the one that a guard has set before, because it does not know `req.session`.
  return live ? authOf(req, live, parts) : currentAuth(req as GuardedRequest, parts)
}
