import { setTimeout as wait } from 'node:timers/promises'
import { within } from '../deadline.js'
import { ConfigurationError, SessionUnavailableError } from '../errors.js'
import type { Report } from '../events.js'
import { recordStoreCall, tracedCall } from '../telemetry.js'
import { isRefusal, isTimeout, isUnreachable, type Describe } from './redis-trouble.js'

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

/** A mistake in the app. */
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

const REDIS = { 'db.system.name': 'redis' }
const DOWN = 'the session store does not answer; checking until it is back'
const ignore = () => undefined

export function createStoreGuard({ deadline, report, describe, isClosed, probe }: StoreGuardParts): Guarded {
  const health = { isDown: false, isProbed: false, isReported: false, quietFrom: -Infinity }

  const answered = () => {
    health.isDown = false
    if (!health.isReported || performance.now() < health.quietFrom) return
    health.isReported = false
    report({ name: 'store.recovered' })
  }
  const watch = async (look: () => Promise<unknown>) => {
    // One loop is enough, even if the store recovers and fails again between two checks.
    if (health.isProbed) return
    health.isProbed = true
    while (health.isDown && !isClosed()) {
      look().then(answered, (err: unknown) => {
        if (isRefusal(err)) answered()
      })
      await wait(PROBE_EVERY, undefined, { ref: false })
    }
    health.isProbed = false
  }
  const failed = (err: unknown): SessionUnavailableError => {
    const detail = describe(err)
    if (isRefusal(err)) health.quietFrom = performance.now() + QUIET
    if (probe && isUnreachable(err)) {
      health.isDown = true
      void watch(probe)
    }
    if (!health.isReported) report({ name: 'store.unavailable', code: 'session_unavailable', detail })
    health.isReported = true
    return new SessionUnavailableError(`the session store failed: ${detail}`)
  }

  return async (call, importance = 'question') => {
    if (isClosed()) throw closedError()
    if (health.isDown && importance === 'question') await wait(GRACE, undefined, { ref: false })
    if (health.isDown && importance === 'question') throw new SessionUnavailableError(DOWN)
    const calling = tracedCall('redis', REDIS, call)
    // Answers after the deadline count, too.
    calling.then(answered, ignore)
    return inTime(deadline, calling).catch((err: unknown) => Promise.reject(failed(err)))
  }
}

async function inTime<T>(deadline: number, task: Promise<T>): Promise<T> {
  const started = performance.now()
  try {
    const result = await within(deadline, task)
    recordStoreCall(performance.now() - started)
    return result
  } catch (err) {
    recordStoreCall(performance.now() - started, isTimeout(err) ? 'timeout' : 'error')
    throw err
  }
}
