import { startDeadline } from '../deadline.js'
import { AuthError } from '../errors.js'
import { knownError } from '../events.js'
import type { AcceptedLogin } from '../options/on-login.js'
import type { Config } from '../options/options.js'

/** Milliseconds that `onLogin` may take. */
const DEADLINE = 10_000

/**
 * Calls `onLogin`. Resolves to the data for `req.auth.data`. Rejects with the `access_denied` that the app threw, or with
 * `internal_error` for any other failure.
 */
export async function askApp(
  { onLogin, logger }: Pick<Config, 'onLogin' | 'logger'>,
  login: AcceptedLogin,
): Promise<Record<string, unknown> | undefined> {
  if (!onLogin) return undefined
  try {
    return plainData(await inTime(async () => onLogin(login)))
  } catch (err) {
    throw refusalOf(knownError(err, logger))
  }
}

/** Another code, such as that of a failed call to this package, would tell the user the wrong thing. */
function refusalOf(error: AuthError): AuthError {
  const { code } = error
  if (code === 'access_denied' || code === 'internal_error') return error
  return new AuthError('internal_error', { detail: `onLogin threw ${code}: to refuse a login, throw access_denied` })
}

async function inTime<T>(run: () => Promise<T>): Promise<T> {
  let finished: () => void = () => undefined
  const late = new Promise<never>((_resolve, reject) => {
    finished = startDeadline(DEADLINE, () => {
      reject(new AuthError('internal_error', { detail: 'onLogin did not finish within 10 seconds' }))
    })
  })
  try {
    return await Promise.race([run(), late])
  } finally {
    finished()
  }
}

/** A copy in the form in which it is stored. */
function plainData(data: unknown): Record<string, unknown> | undefined {
  if (data === undefined || data === null) return undefined
  const copy: unknown = typeof data === 'object' ? JSON.parse(JSON.stringify(data)) : data
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy)) {
    throw new AuthError('internal_error', { detail: 'onLogin must return a JSON object or nothing' })
  }
  return copy as Record<string, unknown>
}
