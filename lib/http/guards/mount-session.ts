import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Request } from 'express'
import { ConfigurationError } from '../../errors.js'
import { mountedAuth } from '../authenticate.js'
import type { AuthMiddleware } from '../guard-types.js'
import { removeAuth, type AuthParts } from '../request-auth.js'
import type { SendError } from '../send-error.js'
import type { Check } from './check.js'

const TAKEN =
  'auth.session cannot set req.session, because other middleware has already set it: remove auth.session (req.auth, ' +
  'the routes and the guards work without it), or remove that middleware'

/**
 * Sets `req.session` and `req.auth`, for apps without their own session. Passes a `ConfigurationError` to `next` if other
 * middleware has set `req.session`. Responds with 503 `session_unavailable` while the store is down.
 */
export function mountSession(parts: AuthParts, sendError: SendError, checks: readonly Check[]): AuthMiddleware {
  return function session(req, res, next) {
    if (parts.sessions.isTaken(req)) {
      next(new ConfigurationError(TAKEN))
      return
    }
    // Upgrades have no response, but express-session requires one.
    const answer = (res as ServerResponse | undefined) ?? new ServerResponse(req)
    parts.sessions.mount(req, answer, (err) => {
      if (err !== undefined && err !== null) {
        // The logout route is never reached in this case, but the cookie must be cleared.
        if (isLogout(req) && !checks.some((check) => check(req as Request))) parts.clearCookie(req)
        sendError(err, { req, res, next })
      } else {
        const auth = mountedAuth(req, parts)
        if (auth) Object.assign(req, { auth })
        else removeAuth(req)
        next()
      }
    })
  }
}

/** Express only, because other servers have no response to clear the cookie with. */
function isLogout(req: IncomingMessage): boolean {
  return 'res' in req && req.method === 'POST' && /^[^?]*\/logout\/?(?:\?|$)/.test(req.url ?? '')
}
