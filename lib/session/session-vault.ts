import type { Fields, Found, Lifetime, Records, Refused, Values, WriteResult } from '../store/records.js'
import type { Login } from './login.js'
import type { Seal } from './seal.js'

export type { WriteResult }

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

export type TokenNews = TokenRecord & { login?: Login | undefined }

/** The encrypted tokens as read along with the session, for the first caller in the same turn of the event loop. */
export type EarlyTokens = () => Buffer | undefined

/** A session as read from the store. */
export interface StoredSession {
  id: string
  login: Login | undefined
  tokens: EarlyTokens
  /** The app's own data, as JSON. */
  data: Buffer | undefined
  /** Last visit, in milliseconds on the clock of the store. */
  seen: number
}

export type Live = Pick<StoredSession, 'id'> & { login: Login; tokens?: EarlyTokens | undefined }

export interface NewSession {
  life: Lifetime
  fresh?: { login: Login; tokens: TokenRecord }
}

export interface SessionVaultParts {
  records: Records
  seal: Seal
  /** Prefix of every key. Names the tenant. */
  prefix: string
  testClock?: (() => number) | undefined
  /** Called after a session has been extended. */
  extended?: (id: string, login: Login) => void
}

/** Login, tokens, and the app's data: the fields of a record, each with its own writer. */
const LOGIN = 'l'
const TOKENS = 't'
const DATA = 'd'
const ALL = [LOGIN, TOKENS, DATA]
/** Between the version and the encrypted tokens. */
const ANNOUNCED = 'r'
const SETTLED = '-'
/** About 10 MB. Forgetting an entry costs nothing but a script in place of a read. */
const MOST_REMEMBERED = 50_000

/** Records of sessions. Login and tokens are bound to their key, so a copied or forged record opens nowhere. */
export class SessionVault {
  readonly #parts: SessionVaultParts
  readonly #now: () => number
  /** Session id -> when its next extension is due, on the monotonic clock. */
  readonly #restsUntil = new Map<string, number>()

  constructor(parts: SessionVaultParts) {
    this.#parts = parts
    this.#now = parts.testClock ?? (() => performance.now())
  }

  key(id: string): string {
    return `${this.#parts.prefix}s:${id}`
  }

  /** Stores a new session with the app's data as JSON. `fresh`: its login and tokens. */
  async create(id: string, data: string, { life, fresh }: NewSession): Promise<void> {
    const login = fresh && { ...this.#login(id, fresh.login), ...this.#tokens(id, { ...fresh.tokens, version: 1 }) }
    await this.#parts.records.create(this.key(id), { ...login, [DATA]: data }, life)
  }

  /** Stores the app's data, unless the session has ended. */
  save(id: string, data: string): Promise<WriteResult> {
    return this.#parts.records.write(this.key(id), { [DATA]: data })
  }

  /** Undefined also if this process cannot decrypt the login. Restarts the idle time if that is due. */
  async find(id: string): Promise<StoredSession | undefined> {
    const { records, extended } = this.#parts
    const isDue = this.#now() >= (this.#restsUntil.get(id) ?? -Infinity)
    const visited = isDue ? await records.visit(this.key(id), ALL) : undefined
    const found = isDue ? visited : await records.read(this.key(id), ALL)
    if (!found) return undefined
    if (this.#restsUntil.size >= MOST_REMEMBERED) this.#restsUntil.clear()
    if (visited) this.#restsUntil.set(id, this.#now() + visited.rest)
    const session = this.#opened(id, found)
    if (visited?.extended && session.login) extended?.(id, session.login)
    // Such a session may be a copy of another user's.
    return found.values[0] && !session.login ? undefined : session
  }

  async findFirst(ids: readonly { id: string }[]): Promise<StoredSession | undefined> {
    for (const { id } of ids) {
      const found = await this.find(id)
      if (found) return found
    }
    return undefined
  }

  /** Only the login, if it can be decrypted. Does not restart the idle time. */
  async peek(id: string): Promise<StoredSession | undefined> {
    const found = await this.#parts.records.read(this.key(id), [LOGIN])
    return found && this.#opened(id, found)
  }

  /** `sealed`: this process lacks the secret. `early`: the tokens as read along with the session. */
  async tokens(id: string, early?: Buffer): Promise<VersionedTokens | 'sealed' | undefined> {
    const value = early ?? (await this.#parts.records.read(this.key(id), [TOKENS]))?.values[0]
    return value && (this.#openTokens(id, value) ?? 'sealed')
  }

  /** Writes the tokens, and a changed login, only over the version that the caller has read. */
  commit(id: string, version: number, { login, ...tokens }: TokenNews): Promise<WriteResult> {
    const fields = { ...this.#tokens(id, { ...tokens, version: version + 1 }), ...(login && this.#login(id, login)) }
    return this.#parts.records.write(this.key(id), fields, only(version))
  }

  /** Whoever cannot write this must not refresh. Found while the lock is free: newer tokens may be held. */
  announce(id: string, tokens: VersionedTokens, announced: boolean): Promise<WriteResult> {
    const fields = this.#tokens(id, tokens, announced ? ANNOUNCED : SETTLED)
    return this.#parts.records.write(this.key(id), fields, only(tokens.version))
  }

  /** Deletes a session if its tokens are still of this version, else `conflict`. */
  discard(id: string, version: number): Promise<Values | Refused> {
    return this.#parts.records.end(this.key(id), [TOKENS], only(version))
  }

  /** Deletes a session in any state. Only one of two callers gets its tokens. Leaves out what cannot be decrypted. */
  async end(id: string): Promise<{ login: Login | undefined; tokens: VersionedTokens | undefined } | undefined> {
    const ended = await this.#parts.records.end(this.key(id), [TOKENS, LOGIN])
    if (typeof ended === 'string') return undefined
    const [tokens, login] = ended
    return { tokens: tokens && this.#openTokens(id, tokens), login: this.#openLogin(id, login) }
  }

  #opened(id: string, { values: [login, tokens, data], seen }: Found): StoredSession {
    return { id, login: this.#openLogin(id, login), tokens: early(tokens), data, seen }
  }

  #login(id: string, login: Login): Fields {
    return { [LOGIN]: this.#parts.seal.close(login, `${this.key(id)}#login`) }
  }

  #openLogin(id: string, sealed: Buffer | undefined): Login | undefined {
    return sealed && (this.#parts.seal.open(sealed, `${this.key(id)}#login`) as Login | undefined)
  }

  #tokens(id: string, { version, refreshToken, tokenSets }: VersionedTokens, mark = SETTLED): Fields {
    const sealed = this.#parts.seal.close({ refreshToken, tokenSets }, `${this.key(id)}#${String(version)}`)
    return { [TOKENS]: Buffer.concat([Buffer.from(`${String(version)}.${mark}`), sealed]) }
  }

  #openTokens(id: string, value: Buffer): VersionedTokens | undefined {
    const [, version = '', mark] = /^(\d+)\.(.)/.exec(value.subarray(0, 20).toString('latin1')) ?? []
    const sealed = value.subarray(version.length + 2)
    const tokens = this.#parts.seal.open(sealed, `${this.key(id)}#${version}`) as TokenRecord | undefined
    return tokens && { ...tokens, version: Number(version), ...(mark === ANNOUNCED && { announced: true }) }
  }
}

const only = (version: number) => ({ field: TOKENS, head: `${String(version)}.` })

/** Later turns read the tokens again, because a logout or a refresh may have happened in between. */
function early(value: Buffer | undefined): EarlyTokens {
  let left = value
  setImmediate(() => {
    left = undefined
  })
  return () => {
    const taken = left
    left = undefined
    return taken
  }
}
