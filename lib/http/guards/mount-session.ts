import type { IncomingMessage } from 'node:http'
import type { Request } from 'express'
import { ConfigurationError } from '../../errors.js'
import { mountedAuth } from '../authenticate.js'
import type { AuthMiddleware } from '../guard-types.js'
import type { AuthParts } from '../request-auth.js'
import type { SendError } from '../send-error.js'
import type { Check } from './check.js'

const TAKEN =
  'auth.session cannot set req.session, because other middleware has already set it: remove auth.session (req.auth, ' +
  'the routes and the guards work without it), or remove that middleware'

/**
 * `req.session` of the login session, for an app without a session of its own; sets `req.auth`, too. Passes a
 * `ConfigurationError` to `next` where other middleware has set `req.session`; 503 `session_unavailable`.
 */
export function mountSession(parts: AuthParts, sendError: SendError, checks: readonly Check[]): AuthMiddleware {
  return function session(req, res, next) {
    if (parts.sessions.isTaken(req)) {
      next(new ConfigurationError(TAKEN))
      return
    }
    parts.sessions.mount(req, res, (err) => {
      if (err !== undefined && err !== null) {
        // A logout does not get as far as its route, and the browser is to forget the cookie all the same.
        if (isLogout(req) && !checks.some((check) => check(req as Request))) parts.clearCookie(req)
        sendError(err, { req, res, next })
      } else {
        const auth = mountedAuth(req, parts)
        if (auth) Object.assign(req, { auth })
        next()
      }
    })
  }
}

/** Of Express: other servers have no answer from which a cookie could be cleared. */
function isLogout(req: IncomingMessage): boolean {
  return 'res' in req && req.method === 'POST' && /^[^?]*\/logout\/?(?:\?|$)/.test(req.url ?? '')
}
