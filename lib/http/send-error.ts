import type { IncomingMessage } from 'node:http'
import type { NextFunction, Request, Response } from 'express'
import type { AuthError } from '../errors.js'
import { knownError } from '../events.js'
import type { Config } from '../options/options.js'
import type { CompleteError } from './complete-error.js'
import type { ErrorPage } from './pages.js'

/** Arguments of middleware. Without Express, `res` may be anything. */
export interface Exchange {
  req: IncomingMessage
  res: unknown
  next: (err?: unknown) => void
}

/** Sends an error response or calls `onError`. Without an Express response, passes the error to `next`. */
export type SendError = (err: unknown, exchange: Exchange) => void

interface SendErrorParts extends Pick<Config, 'onError' | 'logger'> {
  completeError: CompleteError
  errorPage: ErrorPage
}

/** The only place where an error becomes a response. */
export function createSendError({ onError, logger, completeError, errorPage }: SendErrorParts): SendError {
  const send: SendError = (err, { req, res, next }) => {
    const error = completeError(knownError(err, logger))
    if (!isExpress(res) || res.headersSent) {
      next(error)
      return
    }
    res.set({ 'Cache-Control': 'no-store', ...error.headers })
    const page = errorPage(error, req)
    if (page !== undefined) res.redirect(req.method === 'POST' ? 303 : 302, page)
    else if (onError) void shape(onError, error, { req: req as Request, res, next })
    else res.status(error.status).json(error)
  }
  return (err, exchange) => {
    try {
      send(err, exchange)
    } catch (cause) {
      // The app's own error has a body or header that cannot be sent.
      send(knownError(cause, logger), exchange)
    }
  }
}

function isExpress(res: unknown): res is Response {
  const { status, json, set } = Object(res) as Partial<Response>
  return [status, json, set].every((method) => typeof method === 'function')
}

interface ExpressExchange {
  req: Request
  res: Response
  next: NextFunction
}

async function shape(onError: NonNullable<Config['onError']>, error: AuthError, { req, res, next }: ExpressExchange) {
  try {
    // A bare next() would let the refused request pass the guard.
    await onError(error, req, res, (reason?: unknown) => {
      next(reason ?? error)
    })
  } catch (err) {
    next(err)
  }
}
