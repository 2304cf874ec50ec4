import type { ErrorRequestHandler, RequestHandler } from 'express'
import { AuthError } from '../../errors.js'
import type { Exchange, SendError } from '../send-error.js'

/**
 * Refuses a path that cannot be decoded (`/auth/%E0%A4%A`). Only below a mount point, where it cannot be meant for the
 * app: a router at `/` sees every request.
 */
export function refuseMalformedUrl(sendError: SendError): RequestHandler {
  return (req, res, next) => {
    if (req.baseUrl === '' || !req.path.includes('%') || isDecodable(req.path)) next()
    else refuse(sendError, { req, res, next })
  }
}

/** The same for a router at `/`: Express reports a parameter that it cannot decode (`/sessions/%E0%A4%A`) as an error. */
export function malformedUrl(sendError: SendError): ErrorRequestHandler {
  // eslint-disable-next-line max-params -- the signature of an Express error handler
  return (err: unknown, req, res, next) => {
    // By name: test runners have several realms.
    if ((Object(err) as Partial<Error>).name === 'URIError') refuse(sendError, { req, res, next })
    else next(err)
  }
}

function refuse(sendError: SendError, exchange: Exchange): void {
  sendError(new AuthError('invalid_request', { body: { fields: { path: 'is malformed' } } }), exchange)
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
