import type { NextFunction, Request, Response } from 'express'
import { AuthError, ConfigurationError } from '../../errors.js'
import type { Identify } from '../authenticate.js'
import type { SendError } from '../send-error.js'
import type { BehindAuth } from '../types.js'

/**
 * Middleware behind which `req.auth` is there. It takes any request; the locals of the answer carry the mark from which
 * Express infers the handlers behind it.
 */
export type RequireAuth = (
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- `any` lets the route infer its own params and body
  req: Request<any>,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the same
  res: Response<any, BehindAuth>,
  next: NextFunction,
) => void

/** Middleware behind which `req.auth` may be there. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- `any` lets the route infer its own params and body
export type OptionalAuth = (req: Request<any>, res: Response, next: NextFunction) => void

/** Sets `req.auth`, or answers 401: `unauthenticated`, `session_expired`; 503 `session_unavailable`. */
export function createRequireAuth(identify: Identify, sendError: SendError): RequireAuth {
  return function requireAuth(req, res, next) {
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
}

/** Sets `req.auth` if there is a login. 503 `session_unavailable` for a genuine cookie while the store is down. */
export function createOptionalAuth(identify: Identify, sendError: SendError): OptionalAuth {
  return function optionalAuth(req, res, next) {
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
