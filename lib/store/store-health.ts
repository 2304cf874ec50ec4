import { setTimeout as wait } from 'node:timers/promises'
import { within } from '../deadline.js'
import { ConfigurationError, SessionUnavailableError } from '../errors.js'
import type { Report } from '../events.js'
import { tracedStoreCall } from '../telemetry.js'
import { isRefusal, isUnreachable, type Describe } from './redis-trouble.js'

/** Runs a call to the store with a deadline. Maps errors, and reports when the store fails or recovers. */
export type Guarded = <T>(call: () => Promise<T>, importance?: Importance) => Promise<T>

/** `question`: fails immediately while the store is down. `news`: always sent. Default: `question`. */
export type Importance = 'question' | 'news'

export interface StoreGuardParts {
  /** Milliseconds for one call. */
  deadline: number
  report: Report
  describe: Describe
  isClosed: () => boolean
  /** Checks whether a store that was down is back. Without it, calls are always sent. */
  probe?: (() => Promise<unknown>) | undefined
}

export function closedError(): ConfigurationError {
  return new ConfigurationError(
    'a request reached an instance that auth.close() has closed: close it after the server has stopped accepting ' +
      'requests, or create a new one',
    {},
  )
}

/** Milliseconds without a refusal such as READONLY after which the store is reported as recovered. */
const QUIET = 60_000
/** Milliseconds that a call waits while the store is down, in case it is just coming back. */
const GRACE = 25
/** Milliseconds between two checks of a store that is down. */
const PROBE_EVERY = 500

const DOWN = 'the session store does not answer; checking until it is back'

export function createStoreGuard({ deadline, report, describe, isClosed, probe }: StoreGuardParts): Guarded {
  const health = { isDown: false, isProbed: false, isReported: false, quietFrom: -Infinity }

  const answered = () => {
    health.isDown = false
    if (!health.isReported || performance.now() < health.quietFrom) return
    health.isReported = false
    report({ name: 'store.recovered' })
  }
  const watch = async (probing: () => Promise<unknown>) => {
    health.isDown = true
    // One loop is enough, even if the store recovers and fails again between two checks.
    if (health.isProbed) return
    health.isProbed = true
    await poll(
      () => health.isDown && !isClosed(),
      () => void probing().then(answered, (err: unknown) => isRefusal(err) && answered()),
    )
    health.isProbed = false
  }
  const failed = (err: unknown): SessionUnavailableError => {
    const detail = describe(err)
    if (isRefusal(err)) health.quietFrom = performance.now() + QUIET
    if (probe && isUnreachable(err)) void watch(probe)
    if (!health.isReported) report({ name: 'store.unavailable', code: 'session_unavailable', detail })
    health.isReported = true
    return new SessionUnavailableError(`the session store failed: ${detail}`)
  }

  return async (call, importance = 'question') => {
    if (isClosed()) throw closedError()
    if (health.isDown && importance === 'question') await wait(GRACE, undefined, { ref: false })
    if (health.isDown && importance === 'question') throw new SessionUnavailableError(DOWN)
    const inTime = () => {
      const calling = call()
      // Answers after the deadline count, too.
      calling.then(answered, () => undefined)
      return within(deadline, calling)
    }
    return tracedStoreCall(inTime).catch((err: unknown) => Promise.reject(failed(err)))
  }
}

async function poll(isNeeded: () => boolean, look: () => void): Promise<void> {
  while (isNeeded()) {
    look()
    await wait(PROBE_EVERY, undefined, { ref: false })
  }
}
