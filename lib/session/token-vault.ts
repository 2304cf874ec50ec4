import type { Fields, Records, SwapResult } from '../store/records.js'
import type { Login, LoginSeal } from './login.js'
import type { Seal } from './seal.js'
import { LOGIN } from './session-records.js'

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
 * The tokens of a session, sealed, in a field of its record that nothing else writes: a slow request that writes the
 * app's data back can never bring an older token back.
 */
export interface TokenVault {
  /** The first record of a session, to be stored with it. */
  seal(sessionId: string, tokens: TokenRecord): Fields
  /** `sealed`: there are tokens that this process has no secret for. */
  read(sessionId: string): Promise<VersionedTokens | 'sealed' | undefined>
  /** Writes tokens, and the login where it changed, only over the version that the caller has read. */
  commit(sessionId: string, version: number, news: TokenNews): Promise<SwapResult>
  /**
   * Announces a refresh of a version, or withdraws it. Who cannot write this must not refresh; and who finds it though
   * the lock is free knows that its writer may still hold newer tokens.
   */
  announce(sessionId: string, tokens: VersionedTokens, announced: boolean): Promise<SwapResult>
  /** Deletes the session, if its tokens are still of the version that the caller has read. */
  discard(sessionId: string, version: number): Promise<SwapResult>
  /** Deletes a session whatever it holds. Of two callers one gets its tokens. */
  end(sessionId: string): Promise<Ended | undefined>
}

/** What a refresh changed. */
export interface TokenNews extends TokenRecord {
  login?: Login | undefined
}

/** A session that was deleted. */
export interface Ended {
  /** Undefined for a visitor's session, or where this process cannot open it. */
  login: Login | undefined
  /** Undefined where there were none, or none that this process can open. */
  tokens: VersionedTokens | undefined
}

export interface VaultParts {
  records: Records
  seal: Seal
  logins: LoginSeal
  /** Names the tenant and the session, so that both are part of what is sealed. */
  keyOf: (sessionId: string) => string
}

const TOKENS = 't'
/** Stands between the version and what is sealed. */
const ANNOUNCED = 'r'
const SETTLED = '-'

export function createTokenVault({ records, seal, logins, keyOf }: VaultParts): TokenVault {
  const close = (key: string, tokens: VersionedTokens, mark?: string) => closeTokens(seal, { key, tokens, mark })
  const open = (key: string, value: Buffer | undefined) => value && openTokens(seal, key, value)
  const only = (version: number) => ({ field: TOKENS, head: `${String(version)}.` })

  return {
    seal: (sessionId, tokens) => ({ [TOKENS]: close(keyOf(sessionId), { ...tokens, version: 1 }) }),
    read: async (sessionId) => {
      const key = keyOf(sessionId)
      const value = (await records.read(key, [TOKENS]))?.values[0]
      return value === undefined ? undefined : (open(key, value) ?? 'sealed')
    },
    commit: (sessionId, version, { login, ...tokens }) => {
      const key = keyOf(sessionId)
      return records.swap(key, only(version), {
        [TOKENS]: close(key, { ...tokens, version: version + 1 }),
        ...(login && { [LOGIN]: logins.close(login, key) }),
      })
    },
    announce: (sessionId, tokens, announced) => {
      const key = keyOf(sessionId)
      const value = close(key, tokens, announced ? ANNOUNCED : SETTLED)
      return records.swap(key, only(tokens.version), { [TOKENS]: value })
    },
    discard: (sessionId, version) => records.discard(keyOf(sessionId), only(version)),
    end: async (sessionId) => {
      const key = keyOf(sessionId)
      const ended = await records.end(key, [TOKENS, LOGIN])
      if (!ended) return undefined
      const [tokens, login] = ended
      return { tokens: open(key, tokens), login: login === undefined ? undefined : logins.open(login, key) }
    },
  }
}

interface Closing {
  key: string
  tokens: VersionedTokens
  mark: string | undefined
}

function closeTokens(seal: Seal, { key, tokens, mark = SETTLED }: Closing): Buffer {
  const { version, refreshToken, tokenSets } = tokens
  const sealed = seal.close(JSON.stringify({ refreshToken, tokenSets }), `${key}#${String(version)}`)
  return Buffer.concat([Buffer.from(`${String(version)}.${mark}`), sealed])
}

function openTokens(seal: Seal, key: string, value: Buffer): VersionedTokens | undefined {
  const [, version = '', mark] = /^(\d+)\.(.)/.exec(value.subarray(0, 20).toString('latin1')) ?? []
  const text = seal.open(value.subarray(version.length + 2), `${key}#${version}`)
  if (text === undefined) return undefined
  const tokens = { ...(JSON.parse(text) as TokenRecord), version: Number(version) }
  return mark === ANNOUNCED ? { ...tokens, announced: true } : tokens
}
