import type { IncomingMessage } from 'node:http'
import { AuthError, ConfigurationError } from '../../errors.js'
import type { Identify } from '../authenticate.js'
import type { OptionalAuth, RequireAuth } from '../guard-types.js'
import type { SendError } from '../send-error.js'
import type { RequestAuth } from '../types.js'

/** Sets `req.auth`, or answers 401: `unauthenticated`, `session_expired`; 503 `session_unavailable`. */
export function createRequireAuth(identify: Identify, sendError: SendError): RequireAuth {
  const requireAuth = (req: Guarded, res: unknown, next: Next) => {
    assertMiddleware('requireAuth', next)
    const fail = (err: unknown) => {
      sendError(err, { req, res, next })
    }
    identify(req).then((found) => {
      if (found instanceof AuthError) {
        fail(found)
        return
      }
      req.auth = found
      next()
    }, fail)
  }
  // The mark is for the compiler only.
  return requireAuth as unknown as RequireAuth
}

type Guarded = IncomingMessage & { auth?: RequestAuth }
type Next = (err?: unknown) => void

/** Sets `req.auth` if there is a login. 503 `session_unavailable` for a genuine cookie while the store is down. */
export function createOptionalAuth(identify: Identify, sendError: SendError): OptionalAuth {
  return function optionalAuth(req: Guarded, res, next) {
    assertMiddleware('optionalAuth', next)
    identify(req).then(
      (found) => {
        if (!(found instanceof AuthError)) req.auth = found
        next()
      },
      (err: unknown) => {
        sendError(err, { req, res, next })
      },
    )
  }
}

function assertMiddleware(name: string, next: unknown): void {
  if (typeof next === 'function') return
  throw new ConfigurationError(`${name} is itself the middleware: write auth.${name}, without parentheses`)
}
