import type { NextFunction, Request, Response } from 'express'
import { AuthError } from '../errors.js'
import type { Config } from '../options.js'

/** What an Express handler is called with. */
export interface Exchange {
  req: Request
  res: Response
  next: NextFunction
}

/** Answers with an error, or hands it to `onError`. */
export type SendError = (err: unknown, exchange: Exchange) => void

type PublicOptions = Pick<Config, 'loginUrl' | 'recoveryUrl' | 'exposeDeniedReason' | 'onError' | 'logger'>

/** The one place where an error becomes an answer. */
export function createSendError(options: PublicOptions): SendError {
  return (err, exchange) => {
    const { res, next } = exchange
    const error = completed(known(err, options), options)
    if (res.headersSent) {
      next(error)
      return
    }
    res.set({ 'Cache-Control': 'no-store', ...error.headers })
    if (options.onError) void shape(options.onError, error, exchange)
    else res.status(error.status).json(error)
  }
}

/** What is not ours is a bug: the client learns nothing of it, the log its name and place. */
function known(err: unknown, { logger }: PublicOptions): AuthError {
  if (err instanceof AuthError) return err
  const { name, stack } = Object(err) as Partial<Error>
  logger?.error({ name, at: stack?.split('\n').filter((line) => /^\s+at /.test(line)) }, 'internal_error')
  return new AuthError('internal_error')
}

const WITH_LOGIN_URL: readonly string[] = ['mfa_required', 'interaction_required', 'login_transaction_missing']
const WITH_RECOVERY_URL: readonly string[] = [
  'account_blocked',
  'too_many_attempts',
  'password_leaked',
  'password_change_required',
]

function completed(error: AuthError, { loginUrl, recoveryUrl, exposeDeniedReason }: PublicOptions): AuthError {
  const { code, auth0 } = error
  Object.assign(error.body, {
    ...(loginUrl !== undefined && WITH_LOGIN_URL.includes(code) && { login_url: loginUrl }),
    ...(recoveryUrl !== undefined && WITH_RECOVERY_URL.includes(code) && { recovery_url: recoveryUrl }),
    ...(exposeDeniedReason && code === 'access_denied' && auth0?.description && { reason: auth0.description }),
  })
  return error
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
