import { startDeadline } from '../deadline.js'
import { ConfigurationError, SessionUnavailableError } from '../errors.js'
import type { Report } from '../events.js'
import { isRefusal, type Describe } from './redis-trouble.js'

/** Runs one call to the store: within the deadline, with one kind of error, and with an event when the state changes. */
export type Guarded = <T>(call: () => Promise<T>) => Promise<T>

export interface StoreGuardParts {
  /** Milliseconds for one call. */
  deadline: number
  report: Report
  describe: Describe
  isClosed: () => boolean
}

/** The app's own mistake, and its log says so. */
export function closedError(): ConfigurationError {
  return new ConfigurationError(
    'a request reached an instance that auth.close() has closed: close it after the server has stopped accepting ' +
      'requests, or create a new one',
    {},
  )
}

/** Milliseconds without a refusal (READONLY, say) after which commands that succeed mean that all is well again. */
const QUIET = 60_000

export function createStoreGuard({ deadline, report, describe, isClosed }: StoreGuardParts): Guarded {
  let down = false
  let quietFrom = -Infinity

  const failure = (err: unknown): SessionUnavailableError => {
    const reason = describe(err)
    if (isRefusal(err)) quietFrom = performance.now() + QUIET
    if (!down) report({ name: 'store.unavailable', code: 'session_unavailable', detail: reason })
    down = true
    return new SessionUnavailableError(`the session store failed: ${reason}`)
  }
  const answered = () => {
    if (!down || performance.now() < quietFrom) return
    down = false
    report({ name: 'store.recovered' })
  }

  return <T>(call: () => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      if (isClosed()) {
        reject(closedError())
        return
      }
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
