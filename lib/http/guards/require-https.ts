import type { Request, RequestHandler } from 'express'
import { AuthError } from '../../errors.js'
import type { Hint } from '../../events.js'
import type { SendError } from '../send-error.js'

/** `https_required` unless Express holds the request for secure (`trust proxy` behind a proxy that ends TLS). */
export function requireHttps(required: boolean, sendError: SendError, hint: Hint): RequestHandler {
  return (req, res, next) => {
    if (!required || req.secure) {
      next()
      return
    }
    hintProxy(req, hint)
    sendError(new AuthError('https_required'), { req, res, next })
  }
}

/** The user may well be on HTTPS. */
export function hintProxy(req: Request, hint: Hint): void {
  if (req.get('x-forwarded-proto')?.split(',')[0]?.trim() === 'https') hint('https', BEHIND_PROXY)
}

const BEHIND_PROXY =
  'a request was refused as plain HTTP although it carries X-Forwarded-Proto: https: a proxy in front of this app ' +
  "terminates TLS, so set app.set('trust proxy', 1) (the number of proxies)"
