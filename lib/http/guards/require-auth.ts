import type { NextFunction, Request, Response } from 'express'
import { AuthError, ConfigurationError } from '../../errors.js'
import type { Presented } from '../../session/sessions.js'
import { authOf, type AuthParts } from '../request-auth.js'
import type { SendError } from '../send-error.js'
import type { RequireAuth } from '../guard-types.js'

export interface RequireAuthParts extends AuthParts {
  sendError: SendError
}

/** Sets `req.auth`, or answers 401: `unauthenticated`, `session_expired`; 503 `session_unavailable`. */
export function createRequireAuth(parts: RequireAuthParts): RequireAuth {
  function requireAuth(req: Request, res: Response, next: NextFunction) {
    if ((next as unknown) === undefined) throw new ConfigurationError(CALLED)
    const fail = (err: unknown) => {
      parts.sendError(err, { req, res, next })
    }
    parts.sessions.open(req, res).then((presented) => {
      if (presented.state !== 'live') {
        fail(refusal(presented))
        return
      }
      req.auth = authOf(req, presented, parts)
      next()
    }, fail)
  }
  return requireAuth as RequireAuth
}

const CALLED = 'requireAuth is itself the middleware: write auth.requireAuth, without parentheses'

function refusal({ state }: Presented): AuthError {
  return new AuthError(state === 'ended' ? 'session_expired' : 'unauthenticated')
}
