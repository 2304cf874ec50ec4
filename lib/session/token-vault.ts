import type { Fields, Records, WriteResult } from '../store/records.js'
import type { Login, LoginSeal } from './login.js'
import type { Seal } from './seal.js'
import { LOGIN, TOKENS } from './session-records.js'

export type { WriteResult }

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

/** Stands between the version and what is sealed. */
const ANNOUNCED = 'r'
const SETTLED = '-'

/**
 * The tokens of a session, sealed, in a field of its record that nothing else writes: a slow request that writes the
 * app's data back can never bring an older token back.
 */
export function createTokenVault({ records, seal, logins, keyOf }: VaultParts) {
  const close = (key: string, tokens: VersionedTokens, mark?: string) => closeTokens(seal, { key, tokens, mark })
  const open = (key: string, value: Buffer | undefined) => value && openTokens(seal, key, value)
  const only = (version: number) => ({ field: TOKENS, head: `${String(version)}.` })

  return {
    /** The first record of a session, to be stored with it. */
    seal: (id: string, tokens: TokenRecord): Fields => ({ [TOKENS]: close(keyOf(id), { ...tokens, version: 1 }) }),
    /** `sealed`: there are tokens that this process has no secret for. `early`: what was read along with the login. */
    read: async (id: string, early?: Buffer): Promise<VersionedTokens | 'sealed' | undefined> => {
      const value = early ?? (await records.read(keyOf(id), [TOKENS]))?.values[0]
      return value && (open(keyOf(id), value) ?? 'sealed')
    },
    /** Writes tokens, and the login where it changed, only over the version that the caller has read. */
    commit: (id: string, version: number, { login, ...tokens }: TokenNews): Promise<WriteResult> => {
      const key = keyOf(id)
      const fields = { [TOKENS]: close(key, { ...tokens, version: version + 1 }) }
      return records.write(key, { ...fields, ...(login && { [LOGIN]: logins.close(login, key) }) }, only(version))
    },
    /**
     * Announces a refresh of a version, or withdraws it. Who cannot write this must not refresh; and who finds it though
     * the lock is free knows that its writer may still hold newer tokens.
     */
    announce: (id: string, tokens: VersionedTokens, announced: boolean): Promise<WriteResult> => {
      const value = close(keyOf(id), tokens, announced ? ANNOUNCED : SETTLED)
      return records.write(keyOf(id), { [TOKENS]: value }, only(tokens.version))
    },
    /** Deletes a session, if its tokens are still of this version; else `conflict`. */
    discard: (id: string, version: number) => records.end(keyOf(id), [TOKENS], only(version)),
    /** Deletes a session whatever it holds. Of two callers one gets its tokens. */
    end: async (id: string): Promise<Ended | undefined> => {
      const key = keyOf(id)
      const ended = await records.end(key, [TOKENS, LOGIN])
      if (!ended || ended === 'conflict') return undefined
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
