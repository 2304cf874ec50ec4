import { setTimeout as wait } from 'node:timers/promises'
import { AuthError } from '../errors.js'
import type { WriteResult, TokenNews, SessionVault, VersionedTokens } from '../session/session-vault.js'
import type { Revoke } from './revoke-later.js'

/** The new tokens with their version, and the login if it changed. */
export type Refreshed = VersionedTokens & Pick<TokenNews, 'login'>

/** Stores refreshed tokens, and retries until it succeeds, because the old ones are no longer valid. */
export interface StoreTokens {
  /** Resolves to the stored record, which may be that of a faster refresh. Rejects with `session_expired`. */
  store(sessionId: string, news: Refreshed): Promise<VersionedTokens>
  /** Tokens that are not stored yet. */
  held: (sessionId: string) => VersionedTokens | undefined
  /** Resolves when the tokens of a session are stored. */
  settled(sessionId: string): Promise<void>
  /** Waits up to 3 seconds for pending writes, then gives up. */
  drain(): Promise<void>
}

export const OUTDATED = 'the session store returns outdated records: does the Redis client read from replicas?'

/** Milliseconds between attempts. */
const PAUSE = 200
/** Milliseconds that `drain` waits. */
const LAST_CHANCE = 3000

export function createStoreTokens(vault: SessionVault, revoke: Revoke): StoreTokens {
  const held = new Map<string, Refreshed>()
  const running = new Map<string, Promise<void>>()
  let closing = false

  const commit = (sessionId: string, { version, ...news }: Refreshed): Promise<WriteResult> =>
    vault.commit(sessionId, version - 1, news)

  const writeLater = async (sessionId: string, tokens: Refreshed): Promise<void> => {
    while (!closing) {
      await wait(PAUSE, undefined, { ref: false })
      const result = await commit(sessionId, tokens).catch(() => undefined)
      if (result === 'gone') revoke(tokens.refreshToken)
      if (result !== undefined) break
    }
    held.delete(sessionId)
  }

  const hold = (sessionId: string, tokens: Refreshed) => {
    held.set(sessionId, tokens)
    const task = writeLater(sessionId, tokens).finally(() => running.delete(sessionId))
    running.set(sessionId, task)
  }

  return {
    held: (sessionId) => held.get(sessionId),
    settled: (sessionId) => running.get(sessionId) ?? Promise.resolve(),
    store: async (sessionId, tokens) => {
      const result = await commit(sessionId, tokens).catch(() => 'unknown' as const)
      if (result === 'unknown') hold(sessionId, tokens)
      if (result === 'done' || result === 'unknown') return tokens
      const winner = result === 'conflict' ? await vault.tokens(sessionId) : undefined
      if (winner && winner !== 'sealed') return winner
      // The user has logged out in the meantime.
      revoke(tokens.refreshToken)
      throw new AuthError('session_expired')
    },
    drain: async () => {
      const patience = wait(LAST_CHANCE, undefined, { ref: false })
      await Promise.race([Promise.allSettled(running.values()), patience])
      closing = true
    },
  }
}
