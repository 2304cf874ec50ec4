import { ConfigurationError } from '../../errors.js'
import { mountedAuth } from '../authenticate.js'
import type { AuthMiddleware } from '../guard-types.js'
import type { AuthParts } from '../request-auth.js'
import type { SendError } from '../send-error.js'

/**
 * `req.session` of the login session, for an app without a session of its own; sets `req.auth`, too. Passes a
 * `ConfigurationError` to `next` where other middleware has set `req.session`; 503 `session_unavailable`.
 */
export function mountSession(parts: AuthParts, sendError: SendError): AuthMiddleware {
  return function session(req, res, next) {
    parts.sessions.mount(req, res, (err) => {
      if (err instanceof ConfigurationError) next(err)
      else if (err !== undefined && err !== null) sendError(err, { req, res, next })
      else {
        const auth = mountedAuth(req, parts)
        if (auth) Object.assign(req, { auth })
        next()
      }
    })
  }
}
