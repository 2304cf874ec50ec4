import { SessionUnavailableError } from '../errors.js'

/** A callback API as a promise; whatever a session store fails with is `session_unavailable`. */
export function promised(start: (done: (err?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((err) => {
      if (err === undefined || err === null) resolve()
      else
        reject(err instanceof SessionUnavailableError ? err : new SessionUnavailableError('the session store failed'))
    })
  })
}
