import type { IncomingMessage } from 'node:http'
import { AuthError, ConfigurationError } from '../../errors.js'
import type { Hint } from '../../events.js'
import type { Identify } from '../authenticate.js'
import type { OptionalAuth, RequireAuth } from '../guard-types.js'
import { removeAuth } from '../request-auth.js'
import type { SendError } from '../send-error.js'
import type { RequestAuth } from '../types.js'

/** Sets `req.auth`, or responds with 401 `unauthenticated` or `session_expired`, or 503 `session_unavailable`. */
export function createRequireAuth(identify: Identify, sendError: SendError, hint: Hint): RequireAuth {
  const requireAuth = (req: Guarded, res: unknown, next: Next) => {
    assertMiddleware('requireAuth', next)
    const fail = (err: unknown) => {
      sendError(err, { req, res, next })
    }
    identify(req).then((found) => {
      if (found instanceof AuthError) {
        if (isLogin(req)) hint('order', ROUTER_FIRST)
        fail(found)
        return
      }
      req.auth = found
      next()
    }, fail)
  }
  // The mark exists only in types.
  return requireAuth as unknown as RequireAuth
}

/** Detects a login route behind `requireAuth`, which is always a mistake. */
function isLogin({ method, url, originalUrl = url }: Guarded & { originalUrl?: string | undefined }): boolean {
  return (method === 'POST' || method === 'GET') && /\/login\/?(\?|$)/.test(originalUrl ?? '')
}

const ROUTER_FIRST =
  'requireAuth refused a request to a login route: if the route belongs to auth.router, mount the router first, ' +
  'app.use(path, auth.router), and then app.use(auth.requireAuth)'

type Guarded = IncomingMessage & { auth?: RequestAuth }
type Next = (err?: unknown) => void

/** Sets `req.auth` if the user is logged in. Responds with 503 if there is a valid cookie but the store is down. */
export function createOptionalAuth(identify: Identify, sendError: SendError): OptionalAuth {
  return function optionalAuth(req: Guarded, res, next) {
    assertMiddleware('optionalAuth', next)
    identify(req).then(
      (found) => {
        if (found instanceof AuthError) removeAuth(req)
        else req.auth = found
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
