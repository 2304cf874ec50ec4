import { setTimeout as wait } from 'node:timers/promises'
import { startDeadline } from '../deadline.js'
import { ConfigurationError, SessionUnavailableError } from '../errors.js'
import type { Report } from '../events.js'
import { recordStoreCall, tracedCall } from '../telemetry.js'
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

export function createStoreGuard(parts: StoreGuardParts): Guarded {
  const { deadline, isClosed } = parts
  const health = createHealth(parts)

  const run = <T>(call: () => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      const started = performance.now()
      let settled = false
      const finished = startDeadline(deadline, () => {
        settled = true
        recordStoreCall(deadline, 'timeout')
        reject(health.failed({ code: 'TIMEOUT' }))
      })
      tracedCall('redis', REDIS, call).then(
        (result) => {
          finished()
          if (!settled) recordStoreCall(performance.now() - started)
          health.answered()
          resolve(result)
        },
        (err: unknown) => {
          finished()
          // Already reported at its deadline.
          if (settled) return
          recordStoreCall(performance.now() - started, 'error')
          reject(health.failed(err))
        },
      )
    })
  const runIfBack = async <T>(call: () => Promise<T>) => {
    await wait(GRACE, undefined, { ref: false })
    if (health.isDown()) throw new SessionUnavailableError(DOWN)
    return run(call)
  }
  return (call, importance = 'question') => {
    if (isClosed()) return Promise.reject(closedError())
    return health.isDown() && importance === 'question' ? runIfBack(call) : run(call)
  }
}

const REDIS = { 'db.system.name': 'redis' }

const DOWN = 'the session store does not answer; checking until it is back'

/** Tracks whether the store answers, and reports changes. */
function createHealth({ deadline, report, describe, isClosed, probe }: StoreGuardParts) {
  let isReported = false
  /** While true, the store is considered down. */
  let watching = false
  /** One loop is enough, even if the store recovers and fails again between two checks. */
  let looking = false
  let quietFrom = -Infinity

  const answered = () => {
    watching = false
    if (!isReported || performance.now() < quietFrom) return
    isReported = false
    report({ name: 'store.recovered' })
  }
  const watch = async (look: () => Promise<unknown>) => {
    watching = true
    if (looking) return
    looking = true
    while (isWatching() && !isClosed()) {
      // Late answers count, too.
      const looked = look().then(answered, (err: unknown) => {
        if (isRefusal(err)) answered()
      })
      await Promise.race([looked, wait(deadline, undefined, { ref: false })])
      if (isWatching()) await wait(PROBE_EVERY, undefined, { ref: false })
    }
    looking = false
  }
  const isWatching = () => watching

  return {
    isDown: isWatching,
    answered,
    failed: (err: unknown): SessionUnavailableError => {
      const reason = describe(err)
      if (isRefusal(err)) quietFrom = performance.now() + QUIET
      if (probe && !watching && isUnreachable(err)) void watch(probe)
      if (!isReported) report({ name: 'store.unavailable', code: 'session_unavailable', detail: reason })
      isReported = true
      return new SessionUnavailableError(`the session store failed: ${reason}`)
    },
  }
}
