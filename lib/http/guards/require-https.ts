import type { RequestHandler } from 'express'
import { AuthError } from '../../errors.js'
import type { SendError } from '../send-error.js'

/** `https_required` unless Express holds the request for secure (`trust proxy` behind a proxy that ends TLS). */
export function requireHttps(required: boolean, sendError: SendError): RequestHandler {
  return (req, res, next) => {
    if (!required || req.secure) next()
    else sendError(new AuthError('https_required'), { req, res, next })
  }
}
