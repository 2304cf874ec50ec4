import { startDeadline } from '../deadline.js'
import { ConfigurationError, SessionUnavailableError } from '../errors.js'
import type { Report } from '../events.js'

/** Runs one call to the store: within the deadline, with one kind of error, and with an event when the state changes. */
export type Guarded = <T>(call: () => Promise<T>) => Promise<T>

export interface StoreGuardParts {
  /** Milliseconds for one call. */
  deadline: number
  report: Report
  /** Where the store is, and what its connection met last. */
  describe: () => string
}

/** The app's own mistake, and its log says so. */
export function closedError(): ConfigurationError {
  return new ConfigurationError(
    'a request reached an instance that auth.close() has closed: close it after the server has stopped accepting ' +
      'requests, or create a new one',
    {},
  )
}

export function createStoreGuard({ deadline, report, describe }: StoreGuardParts): Guarded {
  let down = false

  const failure = (err: unknown): SessionUnavailableError => {
    const reason = `Redis at ${describe()}: ${reasonOf(err)}`
    if (!down) report({ name: 'store.unavailable', code: 'session_unavailable', detail: reason })
    down = true
    return new SessionUnavailableError(`the session store failed: ${reason}`)
  }
  const answered = () => {
    if (down) report({ name: 'store.recovered' })
    down = false
  }

  return <T>(call: () => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      let settled = false
      const finished = startDeadline(deadline, () => {
        settled = true
        reject(failure({ code: 'TIMEOUT' }))
      })
      call().then(
        (result) => {
          finished()
          answered()
          resolve(result)
        },
        (err: unknown) => {
          finished()
          // What fails after its time has been told of already.
          if (!settled) reject(failure(err))
        },
      )
    })
}

/** The kind of failure only: a Redis error message can quote the arguments of the command. */
function reasonOf(err: unknown): string {
  const { code, name, message } = err as { code?: unknown; name?: unknown; message?: unknown }
  const text = typeof message === 'string' ? message : ''
  const [, unknown] = /^ERR unknown command [`'"]?(\w+)/i.exec(text) ?? []
  if (unknown !== undefined)
    return `unknown command ${unknown} (Redis 6.0 or later is needed, and its commands by name)`
  if (text.startsWith('READONLY')) return 'READONLY: this is a replica, and sessions need the primary'
  const redisCode = /^[A-Z]{3,}\b/.exec(text)?.[0]
  return [code, redisCode, name].find((part): part is string => typeof part === 'string') ?? 'unknown'
}
