import { AuthError } from '../errors.js'
import { firstToTell } from '../events.js'
import type { Config } from '../options/options.js'
import type { LoginUrl } from './login-url.js'

/** Adds URLs and the reason to an error, and logs a configuration error that no event has reported. */
export type CompleteError = (err: AuthError) => AuthError

type PublicOptions = Pick<Config, 'recoveryUrl' | 'exposeDeniedReason' | 'logger'> & { loginUrl: LoginUrl }

const WITH_RECOVERY_URL: readonly string[] = [
  'account_blocked',
  'too_many_attempts',
  'password_leaked',
  'password_change_required',
]

export function createCompleteError(options: PublicOptions): CompleteError {
  const { loginUrl, recoveryUrl, exposeDeniedReason, logger } = options
  return (error) => {
    const { code, auth0, detail } = error
    loginUrl.addTo(error)
    Object.assign(error.body, {
      ...(recoveryUrl !== undefined && WITH_RECOVERY_URL.includes(code) && { recovery_url: recoveryUrl }),
      ...(exposeDeniedReason && code === 'access_denied' && auth0?.description && { reason: auth0.description }),
    })
    if (code === 'configuration_error' && firstToTell(error)) logger?.error({ code, detail }, code)
    return error
  }
}

/** Completes the errors with which the work rejects. */
export async function leaving<Result>(work: Promise<Result>, completeError: CompleteError): Promise<Result> {
  try {
    return await work
  } catch (err) {
    throw err instanceof AuthError ? completeError(err) : err
  }
}
