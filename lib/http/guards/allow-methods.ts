import type { RequestHandler } from 'express'
import { AuthError } from '../../errors.js'
import type { SendError } from '../send-error.js'

/** Last handler of a route. Other methods get `method_not_allowed`, and OPTIONS returns the allowed ones. */
export function allowMethods(methods: readonly string[], sendError: SendError): RequestHandler {
  const allow = methods.join(', ')
  return (req, res, next) => {
    if (req.method === 'OPTIONS') res.set('Allow', allow).status(204).end()
    else sendError(new AuthError('method_not_allowed', { headers: { Allow: allow } }), { req, res, next })
  }
}
