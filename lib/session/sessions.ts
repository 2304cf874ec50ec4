import type { ServerResponse } from 'node:http'
import type { Config } from '../options.js'
import { tenantTag } from '../tenant-tag.js'
import type { SessionRequest } from './arrival.js'
import { describeLogin, persist, renew, type NewLogin } from './establish.js'
import { loginOf, type Login } from './login.js'
import { promised } from './promised.js'
import type { Records } from './records.js'
import { createRefreshLock, type RefreshLock } from './refresh-lock.js'
import type { Seal } from './seal.js'
import { createSessionIndex, ownersOf, type Indexed, type SessionIndex, type SessionOwner } from './session-index.js'
import { createSessionMiddleware, type SessionMiddleware } from './session-middleware.js'
import { SessionStore } from './session-store.js'
import { createTokenVault, type TokenVault } from './token-vault.js'

/** The session that a request came with. */
export type Presented = { state: 'none' | 'ended' } | { state: 'live'; login: Login; id: string }

export interface Sessions {
  vault: TokenVault
  lock: RefreshLock
  index: SessionIndex
  /** Gives the request a session, or keeps the app's own, and tells who is logged in. */
  open(req: SessionRequest, res: ServerResponse): Promise<Presented>
  /** Under a new id, in place of the login that was there. Resolves when all of it is stored. */
  establish(req: SessionRequest, login: NewLogin): Promise<Login>
  /** Rejects with `session_unavailable` when a session could not be stored now. */
  ping: () => Promise<void>
  /** Deletes the tokens and the session. */
  end(req: SessionRequest): Promise<void>
  /** The same for any session of a user, except that a session in the app's own store only loses its tokens. */
  endIndexed(owner: SessionOwner, entry: Indexed): Promise<void>
  /** Epoch milliseconds of the last request, to the minute; undefined when the session is over. */
  lastSeen(entry: Indexed): Promise<number | undefined>
}

export interface SessionParts {
  config: Config
  records: Records
  seal: Seal
  /** Told of each refresh token that no session holds any more. */
  orphaned: (refreshToken: string | undefined) => void
}

export function createSessions({ config, records, seal, orphaned }: SessionParts): Sessions {
  const { clock } = config
  const tenant = tenantTag(config)
  const prefix = `${config.session.prefix}${tenant}:`
  const vault = createTokenVault({ records, seal, prefix })
  const index = createSessionIndex({ records, prefix, clock })
  const dropTokens = async (id: string) => {
    orphaned((await vault.take(id))?.refreshToken)
  }
  const idle = config.session.ordinary.idleTimeout * 1000
  const store = new SessionStore({ records, prefix: `${prefix}s:`, idle, clock, dropTokens })
  const middleware = createSessionMiddleware({ session: config.session, store, lazy: config.lazySessions })
  const current = (req: SessionRequest) => loginOf(middleware.standing(req).data, tenant, clock())
  const parts: Parts = { records, config, tenant, store, middleware, vault, index, current, dropTokens }

  return {
    vault,
    index,
    ping: () => records.ping(),
    lock: createRefreshLock(records, { prefix, ttl: lockTtl(config) }),
    open: (req, res) => open(parts, req, res),
    establish: (req, fresh) => establish(parts, req, fresh),
    end: (req) => end(parts, req),
    endIndexed: async (owner, { id, handle }) => {
      await Promise.all([dropTokens(id), records.remove(store.prefix + id)])
      // Last, so that a try that failed can be repeated.
      await index.drop(owner, [handle])
    },
    lastSeen: async ({ id, idle, since, foreign }) => {
      if (foreign) return (await vault.read(id)) && since
      const blob = await records.readWithTtl(store.prefix + id)
      return blob && Math.max(since, clock() - Math.max(0, idle - blob.ttl))
    },
  }
}

async function open(
  { middleware, tenant, current }: Parts,
  req: SessionRequest,
  res: ServerResponse,
): Promise<Presented> {
  await middleware.attach(req, res)
  const { id, data } = middleware.standing(req)
  const login = current(req)
  if (login && id !== undefined) return { state: 'live', login, id }
  return { state: middleware.cameWithEnded(req) || data?.ropg?.tenant === tenant ? 'ended' : 'none' }
}

interface Parts {
  records: Records
  config: Config
  tenant: string
  store: SessionStore
  middleware: SessionMiddleware
  vault: TokenVault
  index: SessionIndex
  current: (req: SessionRequest) => Login | undefined
  dropTokens: (sessionId: string) => Promise<void>
}

async function establish(parts: Parts, req: SessionRequest, fresh: NewLogin): Promise<Login> {
  const { config, vault, index, store } = parts
  const replaced = parts.current(req)
  if (replaced) await parts.dropTokens(req.sessionID ?? '')
  const login = describeLogin(config, parts.tenant, fresh)
  await renew(req, config.session.preserve)
  await unlist(parts, replaced)
  const { refreshToken, tokenSets, remember } = fresh
  const { handle, since, until, idle } = login
  const origin = { ...(fresh.ip !== undefined && { ip: fresh.ip }), ...userAgent(req) }
  const foreign = (req as { sessionStore?: unknown }).sessionStore !== store
  await persist(req, {
    login,
    // Writes that came too late for this answer may still reach the store, and these after them.
    undo: (id) => [parts.dropTokens(id), parts.records.remove(store.prefix + id), unlist(parts, login)],
    remember,
    beside: (id) => [
      vault.create(id, { refreshToken, tokenSets }, until - since),
      ...ownersOf(login).map((owner) => index.add(owner, { id, handle, since, until, idle, foreign, ...origin })),
    ],
  })
  return login
}

/** Both commands leave in the same tick, tokens first: no crash can come between them. */
async function end(parts: Parts, req: SessionRequest): Promise<void> {
  const { session } = req
  if (!session) return
  const login = parts.current(req)
  const tokens = parts.dropTokens(req.sessionID ?? '')
  const blob = promised((done) => {
    session.destroy(done)
  })
  await Promise.all([tokens, blob])
  await unlist(parts, login).catch(() => undefined)
}

/** Last: what is off the list while it lives can no longer be revoked. Reading the list forgets what is over. */
async function unlist({ index }: Parts, login: Login | undefined): Promise<void> {
  if (login) await Promise.all(ownersOf(login).map((owner) => index.drop(owner, [login.handle])))
}

/** Characters kept of a user agent. */
const USER_AGENT_LIMIT = 256

function userAgent({ headers }: SessionRequest): { userAgent?: string } {
  const agent = headers['user-agent']?.slice(0, USER_AGENT_LIMIT)
  return agent === undefined ? {} : { userAgent: agent }
}

/** About what a refresh takes at the most; its holder renews it while it works. */
function lockTtl({ timeouts }: Config): number {
  return timeouts.auth0 + 2 * timeouts.redis + 1000
}
