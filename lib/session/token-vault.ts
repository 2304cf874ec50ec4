import type { Records, SwapResult } from '../store/records.js'
import type { Seal } from './seal.js'

export type { SwapResult }

/** One access token and what it is good for. */
export interface TokenSet {
  accessToken: string
  tokenType: string
  /** Undefined: the tenant's default audience. */
  audience: string | undefined
  scope: string
  /** Epoch seconds. */
  expiresAt: number
  /** Asked for with scopes of its own, so not what a caller gets who asks for none. */
  narrowed?: boolean
}

/** All tokens of one session. */
export interface TokenRecord {
  refreshToken: string | undefined
  tokenSets: TokenSet[]
}

/** A record as read, with the version that a commit must name. */
export interface VersionedTokens extends TokenRecord {
  version: number
  /** True while a refresh of this very version has been announced, and neither finished nor withdrawn. */
  announced?: true
}

/**
 * The tokens of a session, sealed, in a record of their own beside the session blob: a slow request that writes the blob
 * back can never bring an older token back.
 */
export interface TokenVault {
  create(sessionId: string, tokens: TokenRecord, ttl: number): Promise<void>
  read(sessionId: string): Promise<VersionedTokens | undefined>
  /** True also for tokens that this process has no secret for. */
  holds(sessionId: string): Promise<boolean>
  /** Writes only over the version that the caller has read. */
  commit(sessionId: string, version: number, tokens: TokenRecord): Promise<SwapResult>
  /**
   * Announces a refresh of a version, or withdraws it. Who cannot write this must not refresh; and who finds it though
   * the lock is free knows that its writer may still hold newer tokens.
   */
  announce(sessionId: string, tokens: VersionedTokens, announced: boolean): Promise<SwapResult>
  /** Deletes only the version that the caller has read. */
  discard(sessionId: string, version: number): Promise<SwapResult>
  /** Reads and deletes in one step. */
  take(sessionId: string): Promise<VersionedTokens | undefined>
}

export interface VaultParts {
  records: Records
  seal: Seal
  /** Prefix of the keys; names the tenant, so that it is part of what is sealed. */
  prefix: string
}

/** Third part of a record, behind version and sealed text. */
const ANNOUNCED = 'r'

export function createTokenVault({ records, seal, prefix }: VaultParts): TokenVault {
  const keyOf = (sessionId: string) => `${prefix}t:${sessionId}`
  const close = (key: string, version: number, tokens: TokenRecord) =>
    `${String(version)}.${seal.close(JSON.stringify(tokens), `${key}#${String(version)}`)}`
  const open = (key: string, value: string | undefined): VersionedTokens | undefined => {
    const [version = '', sealed = '', mark] = value?.split('.') ?? []
    const text = seal.open(sealed, `${key}#${version}`)
    if (text === undefined) return undefined
    const tokens = { ...(JSON.parse(text) as TokenRecord), version: Number(version) }
    return mark === ANNOUNCED ? { ...tokens, announced: true } : tokens
  }

  return {
    create: (sessionId, tokens, ttl) => {
      const key = keyOf(sessionId)
      return records.write(key, close(key, 1, tokens), ttl)
    },
    read: async (sessionId) => {
      const key = keyOf(sessionId)
      return open(key, (await records.read(key))?.value)
    },
    holds: async (sessionId) => (await records.read(keyOf(sessionId))) !== undefined,
    commit: (sessionId, version, tokens) => {
      const key = keyOf(sessionId)
      return records.swap(key, `${version}.`, close(key, version + 1, tokens))
    },
    announce: (sessionId, { version, refreshToken, tokenSets }, announced) => {
      const key = keyOf(sessionId)
      const value = close(key, version, { refreshToken, tokenSets })
      return records.swap(key, `${version}.`, announced ? `${value}.${ANNOUNCED}` : value)
    },
    discard: (sessionId, version) => records.discard(keyOf(sessionId), `${version}.`),
    take: async (sessionId) => {
      const key = keyOf(sessionId)
      return open(key, await records.take(key))
    },
  }
}
