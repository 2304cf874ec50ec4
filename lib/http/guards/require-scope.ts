import type { NextFunction, Request, Response } from 'express'
import { AuthError, ConfigurationError } from '../../errors.js'
import { grantedScope } from '../request-auth.js'
import type { GuardBehindAuth, RequireScope } from '../guard-types.js'
import type { SendError } from '../send-error.js'

export function createRequireScope(sendError: SendError): RequireScope {
  return (...scopes) => {
    const names: unknown[] = scopes.flat()
    if (!names.every((name) => typeof name === 'string')) throw new ConfigurationError('requireScope takes strings')
    const wanted = names.flatMap((name) => name.split(/\s+/)).filter(Boolean)
    if (wanted.length === 0) throw new ConfigurationError('requireScope needs at least one scope')
    function requireScope(req: Request, res: Response, next: NextFunction) {
      const problem = problemOf(req, wanted)
      if (problem) sendError(problem, { req, res, next })
      else next()
    }
    return requireScope as GuardBehindAuth
  }
}

function problemOf(req: Request, wanted: string[]): AuthError | undefined {
  if (!req.auth) return new ConfigurationError('requireScope must stand behind requireAuth in the same route', {})
  const granted = grantedScope(req.auth).split(' ')
  if (wanted.every((scope) => granted.includes(scope))) return undefined
  return new AuthError('insufficient_scope', { body: { scope: wanted.join(' ') } })
}
