import type { NextFunction, Request, Response } from 'express'
import { AuthError, ConfigurationError } from '../../errors.js'
import { loginBehind } from '../request-auth.js'
import type { SendError } from '../send-error.js'

/** Middleware after `requireAuth`: 403 `insufficient_scope` unless the login was granted every one of the scopes. */
export type RequireScope = (
  ...scopes: (string | readonly string[])[]
) => (req: Request, res: Response, next: NextFunction) => void

export function createRequireScope(sendError: SendError): RequireScope {
  return (...scopes) => {
    const names: unknown[] = scopes.flat()
    if (!names.every((name) => typeof name === 'string')) throw new ConfigurationError('requireScope takes strings')
    const wanted = names.flatMap((name) => name.split(/\s+/)).filter(Boolean)
    if (wanted.length === 0) throw new ConfigurationError('requireScope needs at least one scope')
    return function requireScope(req, res, next) {
      const problem = problemOf(req, wanted)
      if (problem) sendError(problem, { req, res, next })
      else next()
    }
  }
}

function problemOf(req: Request, wanted: string[]): AuthError | undefined {
  if (!req.auth) return new ConfigurationError('requireScope must stand behind requireAuth in the same route', {})
  const granted = (loginBehind(req.auth)?.scope ?? '').split(' ')
  if (wanted.every((scope) => granted.includes(scope))) return undefined
  return new AuthError('insufficient_scope', { body: { scope: wanted.join(' ') } })
}
