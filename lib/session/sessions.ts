import { createHash, randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { ConfigurationError, SessionUnavailableError } from '../errors.js'
import type { Config } from '../options.js'
import { loginOf, type Login } from './login.js'
import type { Records } from './records.js'
import { createRefreshLock, type RefreshLock } from './refresh-lock.js'
import type { Seal } from './seal.js'
import { createSessionMiddleware, type SessionMiddleware, type SessionRequest } from './session-middleware.js'
import { SessionStore } from './session-store.js'
import { createTokenVault, type TokenRecord, type TokenVault, type VersionedTokens } from './token-vault.js'

/** The session that a request came with. */
export type Presented = { state: 'none' | 'ended' } | { state: 'live'; login: Login; id: string }

/** What a login puts into a session. */
export interface NewLogin extends TokenRecord {
  sub: string
  user: Record<string, unknown>
  scope: string
  remember: boolean
}

export interface Sessions {
  middleware: SessionMiddleware
  vault: TokenVault
  lock: RefreshLock
  /** Gives the request a session, or keeps the app's own, and tells who is logged in. */
  open(req: SessionRequest, res: ServerResponse): Promise<Presented>
  /** Under a new id. Resolves when login and tokens are stored; returns the tokens of the login that it replaces. */
  establish(req: SessionRequest, login: NewLogin): Promise<{ login: Login; replaced: VersionedTokens | undefined }>
  /** Deletes the tokens, then the session; returns the tokens. */
  end(req: SessionRequest): Promise<VersionedTokens | undefined>
}

export interface SessionParts {
  config: Config
  records: Records
  seal: Seal
}

export function createSessions({ config, records, seal }: SessionParts): Sessions {
  const tenant = tenantTag(config)
  const prefix = `${config.session.prefix}${tenant}:`
  const idle = config.session.ordinary.idleTimeout * 1000
  const store = new SessionStore({ records, prefix: `${prefix}s:`, idle, clock: config.clock })
  const middleware = createSessionMiddleware(config.session, store)
  const vault = createTokenVault({ records, seal, prefix })
  const lock = createRefreshLock(records, { prefix, ttl: lockTtl(config) })
  const current = (req: SessionRequest) => loginOf(req.session, tenant, config.clock())

  return {
    middleware,
    vault,
    lock,
    open: async (req, res) => {
      await promised((done) => {
        middleware(req, res, done)
      })
      const login = current(req)
      if (login && req.sessionID !== undefined) return { state: 'live', login, id: req.sessionID }
      const over = middleware.cameWithEnded(req) || req.session?.ropg?.tenant === tenant
      return { state: over ? 'ended' : 'none' }
    },
    establish: async (req, fresh) => {
      const replaced = current(req) && (await vault.take(req.sessionID ?? ''))
      const login = describeLogin(config, tenant, fresh)
      await renew(req, config.session.preserve)
      await persist(req, { login, fresh, vault, maxAge: fresh.remember ? login.until - login.since : undefined })
      return { login, replaced }
    },
    end: async (req) => {
      const { session } = req
      if (!session) return undefined
      const tokens = await vault.take(req.sessionID ?? '')
      await promised((done) => {
        session.destroy(done)
      })
      return tokens
    },
  }
}

/** Part of every key and login, so that two tenants on one Redis with one secret stay apart. */
function tenantTag({ issuer, clientId }: Config): string {
  return createHash('sha256').update(`${issuer.href} ${clientId}`).digest('base64url').slice(0, 12)
}

/** Longer than a refresh can take, and never over 10 s: so long a dead holder's lock stands. */
function lockTtl({ timeouts }: Config): number {
  return Math.min(10_000, timeouts.auth0 + 2 * timeouts.redis + 1000)
}

function describeLogin(config: Config, tenant: string, { sub, user, scope, remember }: NewLogin): Login {
  const lifetime = remember ? config.session.remembered : config.session.ordinary
  const since = config.clock()
  const until = since + lifetime.absoluteTimeout * 1000
  return { tenant, sub, user, scope, handle: randomUUID(), since, until, idle: lifetime.idleTimeout * 1000 }
}

/** A new session id; of the old session only the named keys come along. */
async function renew(req: SessionRequest, preserve: readonly string[]): Promise<void> {
  const old = req.session
  if (!old)
    throw new ConfigurationError('session.cookie.path does not cover the route of the login, so it gets no session')
  const kept = preserve.filter((key) => Object.hasOwn(old, key)).map((key) => [key, Reflect.get(old, key) as unknown])
  await promised((done) => {
    old.regenerate(done)
  })
  Object.assign(req.session ?? {}, Object.fromEntries(kept))
}

interface Persisted {
  login: Login
  fresh: NewLogin
  vault: TokenVault
  /** Milliseconds; undefined: a cookie that ends with the browser. */
  maxAge: number | undefined
}

async function persist(req: SessionRequest, { login, fresh, vault, maxAge }: Persisted): Promise<void> {
  const { session, sessionID } = req
  if (!session || sessionID === undefined) throw new SessionUnavailableError('the session could not be renewed')
  session.ropg = login
  if (maxAge !== undefined) session.cookie.maxAge = maxAge
  const { refreshToken, tokenSets } = fresh
  const writes = await Promise.allSettled([
    vault.create(sessionID, { refreshToken, tokenSets }, login.until - login.since),
    promised((done) => {
      session.save(done)
    }),
  ])
  const failure = writes.find((write) => write.status === 'rejected')
  if (!failure) return
  // Without a session express-session sends no cookie for what could not be stored.
  delete req.session
  throw failure.reason
}

/** A callback API as a promise; whatever a session store fails with is `session_unavailable`. */
function promised(start: (done: (err?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((err) => {
      if (err === undefined || err === null) resolve()
      else
        reject(err instanceof SessionUnavailableError ? err : new SessionUnavailableError('the session store failed'))
    })
  })
}
