import type { Request, RequestHandler } from 'express'
import type { AuthError } from '../../errors.js'
import type { SendError } from '../send-error.js'

/** What is wrong with a request before anybody looks at its contents. */
export type Check = (req: Request) => AuthError | undefined

/** The same as middleware. */
export function guardWith(check: Check, sendError: SendError): RequestHandler {
  return (req, res, next) => {
    const problem = check(req)
    if (problem) sendError(problem, { req, res, next })
    else next()
  }
}
