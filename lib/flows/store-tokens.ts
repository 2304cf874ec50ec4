import { setTimeout as wait } from 'node:timers/promises'
import { AuthError } from '../errors.js'
import type { WriteResult, TokenNews, TokenVault, VersionedTokens } from '../session/token-vault.js'
import type { Revoke } from './revoke-later.js'

/** Tokens under their new version, and the login where it changed. */
export type Refreshed = VersionedTokens & Pick<TokenNews, 'login'>

/** Puts refreshed tokens where they belong. Auth0 has spent the old ones by then, so these must not get lost. */
export interface StoreTokens {
  /** Resolves to the record that stands: ours, or that of a winner. `session_expired` when the session is gone. */
  store(sessionId: string, news: Refreshed): Promise<VersionedTokens>
  /** Tokens that the store has not taken yet. */
  held: (sessionId: string) => VersionedTokens | undefined
  /** Resolves when the store has taken what is held for a session. */
  settled(sessionId: string): Promise<void>
  /** Gives the store one last chance. */
  drain(): Promise<void>
}

/** Why there are no tokens where the store does not show what was written to it. */
export const OUTDATED = 'the session store returns outdated records: does the Redis client read from replicas?'

/** Milliseconds between two tries. */
const PAUSE = 200
/** Milliseconds that closing waits. */
const LAST_CHANCE = 3000

export function createStoreTokens(vault: TokenVault, revoke: Revoke): StoreTokens {
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
      const winner = result === 'conflict' ? await vault.read(sessionId) : undefined
      if (winner && winner !== 'sealed') return winner
      // The user has left meanwhile: nothing of the new tokens may stay usable.
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
