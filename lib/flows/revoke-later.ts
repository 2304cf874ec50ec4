import { setTimeout as wait } from 'node:timers/promises'
import type { Auth0Client } from '../auth0/client.js'
import { revokeRefreshToken } from '../auth0/revocation.js'

/** Revokes a refresh token in the background; nothing waits for it, and nothing fails with it. */
export type Revoke = (refreshToken: string | undefined) => void

export interface Revocations {
  revoke: Revoke
  /** Resolves when nothing is under way any more; pending retries come at once. */
  drain: () => Promise<void>
}

/** Milliseconds before the second and the third try. */
const PAUSES = [1000, 5000]

export function createRevocations(auth0: Auth0Client): Revocations {
  const running = new Set<Promise<void>>()
  const closing = new AbortController()

  const attempt = async (refreshToken: string, pauses: readonly number[]): Promise<void> => {
    try {
      await revokeRefreshToken(auth0, refreshToken)
    } catch {
      const [pause, ...later] = pauses
      if (pause === undefined) return
      // Closing cuts the pause short, not the tries.
      await wait(pause, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)
      await attempt(refreshToken, later)
    }
  }
  return {
    revoke: (refreshToken) => {
      if (refreshToken === undefined) return
      const task = attempt(refreshToken, PAUSES)
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
