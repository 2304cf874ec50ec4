import type { NextFunction, Request, Response } from 'express'
import { AuthError } from '../errors.js'
import type { Logger } from '../events.js'
import type { Config } from '../options/options.js'
import type { CompleteError } from './complete-error.js'

/** What an Express handler is called with. */
export interface Exchange {
  req: Request
  res: Response
  next: NextFunction
}

/** Answers with an error, or hands it to `onError`. */
export type SendError = (err: unknown, exchange: Exchange) => void

type SendErrorParts = Pick<Config, 'onError' | 'logger'> & { completeError: CompleteError }

/** The one place where an error becomes an answer. */
export function createSendError({ onError, logger, completeError }: SendErrorParts): SendError {
  return (err, exchange) => {
    const { res, next } = exchange
    const error = completeError(known(err, logger))
    if (res.headersSent) {
      next(error)
      return
    }
    res.set({ 'Cache-Control': 'no-store', ...error.headers })
    if (onError) void shape(onError, error, exchange)
    else res.status(error.status).json(error)
  }
}

/** What is not ours is a bug: the client learns nothing of it, the log its name and place. */
function known(err: unknown, logger: Logger | undefined): AuthError {
  if (err instanceof AuthError) return err
  const { name, stack } = Object(err) as Partial<Error>
  logger?.error({ name, at: stack?.split('\n').filter((line) => /^\s+at /.test(line)) }, 'internal_error')
  return new AuthError('internal_error')
}

async function shape(onError: NonNullable<Config['onError']>, error: AuthError, { req, res, next }: Exchange) {
  try {
    // A bare next() would let the request pass the guard that has just refused it.
    await onError(error, req, res, (reason?: unknown) => {
      next(reason ?? error)
    })
  } catch (err) {
    next(err)
  }
}
