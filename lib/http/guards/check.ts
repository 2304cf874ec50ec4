import type { Request, RequestHandler } from 'express'
import type { AuthError } from '../../errors.js'
import type { SendError } from '../send-error.js'

/** Returns the error of a request, without reading its body. */
export type Check = (req: Request) => AuthError | undefined

/** Turns a check into middleware. */
export function guardWith(check: Check, sendError: SendError): RequestHandler {
  return (req, res, next) => {
    const problem = check(req)
    if (problem) sendError(problem, { req, res, next })
    else next()
  }
}
