import { SessionUnavailableError } from '../errors.js'
import type { Report } from '../events.js'

/** Runs one call to the store: within the deadline, with one kind of error, and with an event when the state changes. */
export type Guarded = <T>(call: () => Promise<T>) => Promise<T>

export function createStoreGuard(deadline: number, report: Report): Guarded {
  let down = false

  const failed = (reason: string): never => {
    if (!down) report({ name: 'store.unavailable', code: 'session_unavailable', detail: reason })
    down = true
    throw new SessionUnavailableError(`the session store failed: ${reason}`)
  }

  return async (call) => {
    const timeout = new Timeout(deadline)
    try {
      const result = await Promise.race([call(), timeout.expired])
      if (down) report({ name: 'store.recovered' })
      down = false
      return result
    } catch (err) {
      return failed(reasonOf(err))
    } finally {
      timeout.clear()
    }
  }
}

class Timeout {
  readonly expired: Promise<never>
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.expired = new Promise((_, reject) => {
      this.#timer = setTimeout(() => {
        reject(Object.assign(new Error('timeout'), { code: 'TIMEOUT' }))
      }, ms)
    })
  }

  clear() {
    clearTimeout(this.#timer)
  }
}

/** The kind of failure only: a Redis error message can quote the arguments of the command. */
function reasonOf(err: unknown): string {
  const { code, name, message } = err as { code?: unknown; name?: unknown; message?: unknown }
  const redisCode = typeof message === 'string' ? /^[A-Z]{3,}\b/.exec(message)?.[0] : undefined
  return [code, redisCode, name].find((part): part is string => typeof part === 'string') ?? 'unknown'
}
