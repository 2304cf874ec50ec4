import type { NextFunction, Request, Response } from 'express'
import { AuthError, ConfigurationError } from '../../errors.js'
import type { Presented } from '../../session/sessions.js'
import { authOf, type AuthParts } from '../request-auth.js'
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

export interface RequireAuthParts extends AuthParts {
  sendError: SendError
}

/** Sets `req.auth`, or answers 401: `unauthenticated`, `session_expired`; 503 `session_unavailable`. */
export function createRequireAuth(parts: RequireAuthParts): RequireAuth {
  return function requireAuth(req, res, next) {
    if ((next as unknown) === undefined) throw new ConfigurationError(CALLED)
    const fail = (err: unknown) => {
      parts.sendError(err, { req: req as Request, res, next })
    }
    parts.sessions.open(req, res).then((presented) => {
      if (presented.state !== 'live') {
        fail(refusal(presented))
        return
      }
      req.auth = authOf(req as Request, presented, parts)
      next()
    }, fail)
  }
}

const CALLED = 'requireAuth is itself the middleware: write auth.requireAuth, without parentheses'

function refusal({ state }: Presented): AuthError {
  return new AuthError(state === 'ended' ? 'session_expired' : 'unauthenticated')
}
