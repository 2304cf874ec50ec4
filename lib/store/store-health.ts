import { startDeadline } from '../deadline.js'
import { SessionUnavailableError } from '../errors.js'
import type { Report } from '../events.js'

/** Runs one call to the store: within the deadline, with one kind of error, and with an event when the state changes. */
export type Guarded = <T>(call: () => Promise<T>) => Promise<T>

/** @param deadline Milliseconds for one call. */
export function createStoreGuard(deadline: number, report: Report): Guarded {
  let down = false

  const failure = (err: unknown): SessionUnavailableError => {
    const reason = reasonOf(err)
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
  const redisCode = typeof message === 'string' ? /^[A-Z]{3,}\b/.exec(message)?.[0] : undefined
  return [code, redisCode, name].find((part): part is string => typeof part === 'string') ?? 'unknown'
}
