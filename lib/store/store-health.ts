import { setTimeout as wait } from 'node:timers/promises'
import { startDeadline } from '../deadline.js'
import { ConfigurationError, SessionUnavailableError } from '../errors.js'
import type { Report } from '../events.js'
import { recordStoreCall, tracedCall } from '../telemetry.js'
import { isRefusal, isUnreachable, type Describe } from './redis-trouble.js'

/** Runs one call to the store: within the deadline, with one kind of error, and with an event when the state changes. */
export type Guarded = <T>(call: () => Promise<T>, importance?: Importance) => Promise<T>

/** `question`: fails at once while the store is known to be down. `news`: is sent in any case, and waits. Default: `question`. */
export type Importance = 'question' | 'news'

export interface StoreGuardParts {
  /** Milliseconds for one call. */
  deadline: number
  report: Report
  describe: Describe
  isClosed: () => boolean
  /** Asks the store for a sign of life. Without it every call waits for itself. */
  probe?: (() => Promise<unknown>) | undefined
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
/** Milliseconds that a call waits while the store is known to be down: it may be back at this very moment. */
const GRACE = 25
/** Milliseconds between two looks whether a store that is down is back. */
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
          // What fails after its time has been reported already.
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

const DOWN = 'the session store does not answer; whether it is back is being checked'

/** Knows whether the store answers, and tells operators when that changes. */
function createHealth({ deadline, report, describe, isClosed, probe }: StoreGuardParts) {
  let isReported = false
  /** While it looks whether the store is back, nobody else waits for it. */
  let watching = false
  /** Between two looks the store may come back and go again: one loop is enough. */
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
      // An answer counts even if it is late.
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
