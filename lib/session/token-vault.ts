import type { Fields, Records, WriteResult } from '../store/records.js'
import type { Login, LoginSeal } from './login.js'
import type { Seal } from './seal.js'
import { LOGIN, TOKENS } from './session-records.js'

export type { WriteResult }

/** An access token, its audience, and its scopes. */
export interface TokenSet {
  accessToken: string
  tokenType: string
  /** Undefined: the tenant's default audience. */
  audience: string | undefined
  scope: string
  /** Epoch seconds. */
  expiresAt: number
  /** Requested with explicit scopes, so not for callers that request none. */
  narrowed?: boolean
}

/** All tokens of one session. */
export interface TokenRecord {
  refreshToken: string | undefined
  tokenSets: TokenSet[]
}

/** The tokens with the version that a commit has to name. */
export interface VersionedTokens extends TokenRecord {
  version: number
  /** True if a refresh of this version has been announced and neither finished nor withdrawn. */
  announced?: true
}

/** What a refresh changed. */
export interface TokenNews extends TokenRecord {
  login?: Login | undefined
}

/** A deleted session. */
export interface Ended {
  /** Undefined if there is none, or this process cannot decrypt it. */
  login: Login | undefined
  /** Undefined if there are none, or this process cannot decrypt them. */
  tokens: VersionedTokens | undefined
}

export interface VaultParts {
  records: Records
  seal: Seal
  logins: LoginSeal
  /** Names the tenant and the session, and so binds the tokens to both. */
  keyOf: (sessionId: string) => string
}

/** Between the version and the encrypted tokens. */
const ANNOUNCED = 'r'
const SETTLED = '-'

/**
 * The encrypted tokens of a session, in a field that nothing else writes, so a slow request that saves the app's data
 * cannot restore an older token.
 */
export function createTokenVault({ records, seal, logins, keyOf }: VaultParts) {
  const close = (key: string, tokens: VersionedTokens, mark?: string) => closeTokens(seal, { key, tokens, mark })
  const open = (key: string, value: Buffer | undefined) => value && openTokens(seal, key, value)
  const only = (version: number) => ({ field: TOKENS, head: `${String(version)}.` })

  return {
    /** The tokens of a new session, to be stored with it. */
    seal: (id: string, tokens: TokenRecord): Fields => ({ [TOKENS]: close(keyOf(id), { ...tokens, version: 1 }) }),
    /** `sealed`: this process lacks the secret. `early`: the tokens as read along with the session. */
    read: async (id: string, early?: Buffer): Promise<VersionedTokens | 'sealed' | undefined> => {
      const value = early ?? (await records.read(keyOf(id), [TOKENS]))?.values[0]
      return value && (open(keyOf(id), value) ?? 'sealed')
    },
    /** Writes the tokens, and a changed login, only over the version that the caller has read. */
    commit: (id: string, version: number, { login, ...tokens }: TokenNews): Promise<WriteResult> => {
      const key = keyOf(id)
      const fields = { [TOKENS]: close(key, { ...tokens, version: version + 1 }) }
      return records.write(key, { ...fields, ...(login && { [LOGIN]: logins.close(login, key) }) }, only(version))
    },
    /**
     * Announces a refresh, or withdraws it. Whoever cannot write this must not refresh. Whoever finds it while the lock is
     * free knows that the process that wrote it may hold newer tokens.
     */
    announce: (id: string, tokens: VersionedTokens, announced: boolean): Promise<WriteResult> => {
      const value = close(keyOf(id), tokens, announced ? ANNOUNCED : SETTLED)
      return records.write(keyOf(id), { [TOKENS]: value }, only(tokens.version))
    },
    /** Deletes a session if its tokens are still of this version, else `conflict`. */
    discard: (id: string, version: number) => records.end(keyOf(id), [TOKENS], only(version)),
    /** Deletes a session in any state. Only one of two callers gets its tokens. */
    end: async (id: string): Promise<Ended | undefined> => {
      const key = keyOf(id)
      const ended = await records.end(key, [TOKENS, LOGIN])
      if (typeof ended === 'string') return undefined
      const [tokens, login] = ended
      return { tokens: open(key, tokens), login: login && logins.open(login, key) }
    },
  }
}

export type TokenVault = ReturnType<typeof createTokenVault>

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
