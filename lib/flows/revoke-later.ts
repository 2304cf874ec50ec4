import { setMaxListeners } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Auth0Client } from '../auth0/client.js'
import { revokeRefreshToken } from '../auth0/revocation.js'
import { AuthError } from '../errors.js'
import type { Logger } from '../events.js'

/** Revokes a refresh token in the background. It never throws. */
export type Revoke = (refreshToken: string | undefined) => void

export interface Revocations {
  revoke: Revoke
  /** Retries immediately, and resolves when all revocations have finished. */
  drain: () => Promise<void>
}

/** Milliseconds between attempts, about a minute in total. */
const PAUSES = [1000, 2000, 4000, 8000, 15_000, 30_000]
/** Milliseconds. A longer `Retry-After` is cut to this. */
const LONGEST = 60_000
/** A user with many sessions must not use up the tenant's rate limit. */
const AT_ONCE = 5
/** Retries per token once the instance is closing. */
const LAST_RETRIES = 2

export function createRevocations(auth0: Auth0Client, logger: Logger | undefined): Revocations {
  const running = new Set<Promise<void>>()
  const closing = new AbortController()
  // Each waiting token adds a listener.
  setMaxListeners(0, closing.signal)
  const inTurn = createTurns(AT_ONCE)

  const persist = async (refreshToken: string): Promise<void> => {
    let lastRetries = LAST_RETRIES
    for (const pause of [...PAUSES, undefined]) {
      const failure = await inTurn(() => failureOf(revokeRefreshToken(auth0, refreshToken)))
      if (!failure) return
      if (pause === undefined || (closing.signal.aborted && lastRetries-- === 0)) break
      // Closing cuts the pause short.
      const patience = Math.min(LONGEST, Math.max(pause, retryAfter(failure)))
      await wait(patience, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)
    }
    logger?.warn({}, 'a discarded refresh token could not be revoked at Auth0')
  }
  return {
    revoke: (refreshToken) => {
      if (refreshToken === undefined) return
      const task = persist(refreshToken)
        .catch(() => undefined)
        .finally(() => running.delete(task))
      running.add(task)
    },
    drain: async () => {
      closing.abort()
      while (running.size > 0) await Promise.all(running)
    },
  }
}

function failureOf(task: Promise<void>): Promise<AuthError | undefined> {
  return task.then(
    () => undefined,
    (err: unknown) => (err instanceof AuthError ? err : new AuthError('internal_error')),
  )
}

/** Milliseconds. */
function retryAfter({ headers }: AuthError): number {
  return 1000 * Number(headers['Retry-After'] ?? 0)
}

/** Limits how many tasks run at the same time. */
function createTurns(most: number): <T>(run: () => Promise<T>) => Promise<T> {
  const line: (() => void)[] = []
  let free = most
  return async (run) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => line.push(resolve))
    try {
      return await run()
    } finally {
      const next = line.shift()
      if (next) next()
      else free++
    }
  }
}
