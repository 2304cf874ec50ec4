import type { ErrorRequestHandler, RequestHandler } from 'express'
import { AuthError } from '../../errors.js'
import type { Exchange, SendError } from '../send-error.js'

/**
 * Refuses a path that cannot be decoded (`/auth/%E0%A4%A`). Skipped for a router at `/`, which also sees requests for the
 * app.
 */
export function refuseMalformedUrl(sendError: SendError): RequestHandler {
  return (req, res, next) => {
    if (req.baseUrl === '' || !req.path.includes('%') || isDecodable(req.path)) next()
    else refuse(sendError, { req, res, next })
  }
}

/** Handles Express's error for a path parameter that cannot be decoded (`/sessions/%E0%A4%A`), for a router at `/`. */
export function malformedUrl(sendError: SendError): ErrorRequestHandler {
  // eslint-disable-next-line max-params -- the signature of an Express error handler
  return (err: unknown, req, res, next) => {
    // By name, because test runners have several realms.
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
