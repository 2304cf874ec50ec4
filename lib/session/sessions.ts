import type { ServerResponse } from 'node:http'
import { SessionUnavailableError } from '../errors.js'
import type { Config } from '../options/options.js'
import { tenantTag } from '../options/tenant-tag.js'
import type { SessionRequest } from './arrival.js'
import { describeLogin, persist, renew, type NewLogin } from './establish.js'
import { loginOf, type Login } from './login.js'
import { promised } from './promised.js'
import type { Records } from '../store/records.js'
import { createRefreshLock, type RefreshLock } from './refresh-lock.js'
import type { Seal } from './seal.js'
import { abbreviated } from './session-blob.js'
import { createSessionIndex, ownersOf, type Indexed, type SessionIndex, type SessionOwner } from './session-index.js'
import { createSessionMiddleware, type SessionMiddleware } from './session-middleware.js'
import { type DropTokens, SessionStore } from './session-store.js'
import { createTokenVault, type TokenVault } from './token-vault.js'

/** The session that a request came with. */
export type Presented = { state: 'none' | 'ended' } | { state: 'live'; login: Login; id: string }

/** A session that was live. */
export type Named = Pick<Extract<Presented, { state: 'live' }>, 'id' | 'login'>

export interface Sessions {
  vault: TokenVault
  lock: RefreshLock
  index: SessionIndex
  /** True for a request that has a session of the app's own, before `open` too. */
  hasForeign(req: SessionRequest): boolean
  /** Gives the request a session, or keeps the app's own, and tells who is logged in. */
  open(req: SessionRequest, res: ServerResponse): Promise<Presented>
  /** Under a new id, in place of the login that was there. Resolves when all of it is stored. */
  establish(req: SessionRequest, login: NewLogin): Promise<Login>
  /** Rejects with `session_unavailable` when a session could not be stored now. */
  ping: () => Promise<void>
  /**
   * Deletes the tokens and the session: that which the request has, or the one that is named. Tells whether the request
   * is without a session now.
   */
  end(req: SessionRequest, named?: Named): Promise<boolean>
  /**
   * The same for any session of a user, except that a session in the app's own store only loses its tokens. Tells
   * whether there was one.
   */
  endIndexed(owner: SessionOwner, entry: Indexed): Promise<boolean>
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
  const dropTokens = createDropTokens(vault, orphaned)
  const idle = config.session.ordinary.idleTimeout * 1000
  const store = new SessionStore({ records, prefix: `${prefix}s:`, idle, clock, dropTokens })
  const middleware = createSessionMiddleware({ session: config.session, store, lazy: true })
  const current = (req: SessionRequest) => loginOf(middleware.standing(req).data, tenant, clock())
  const parts: Parts = { records, config, tenant, store, middleware, vault, index, current, dropTokens }

  return {
    vault,
    index,
    ping: () => records.ping(JUST_NOW),
    hasForeign: (req) => middleware.hasForeign(req),
    lock: createRefreshLock(records, { prefix, ttl: lockTtl(config) }),
    open: (req, res) => open(parts, req, res),
    establish: (req, fresh) => establish(parts, req, fresh),
    end: (req, named) => end(parts, req, named ?? presented(parts, req)),
    endIndexed: (owner, entry) => endIndexed(parts, owner, entry),
    lastSeen: (entry) => lastSeen(parts, entry),
  }
}

async function open(
  { config, middleware, tenant }: Parts,
  req: SessionRequest,
  res: ServerResponse,
): Promise<Presented> {
  await middleware.attach(req, res)
  const { id, data } = middleware.standing(req)
  const login = loginOf(data, tenant, config.clock())
  if (login && id !== undefined) return { state: 'live', login, id }
  return { state: middleware.endedId(req) !== undefined || data?.ropg?.tenant === tenant ? 'ended' : 'none' }
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
  dropTokens: DropTokens
}

/** Read first: if the answer to the deletion is lost, nobody else will ever know the refresh token. */
function createDropTokens(vault: TokenVault, orphaned: SessionParts['orphaned']): DropTokens {
  return async (id, besides) => {
    const known = await vault.read(id)
    const taken = vault.take(id).then(
      (tokens) => {
        orphaned(tokens?.refreshToken)
        return tokens !== undefined
      },
      (err: unknown) => {
        orphaned(known?.refreshToken)
        throw err
      },
    )
    // In the same tick, tokens first: no crash can come between them.
    const [had] = await Promise.all([taken, besides?.()])
    return had
  }
}

async function establish(parts: Parts, req: SessionRequest, fresh: NewLogin): Promise<Login> {
  const { config, vault, store } = parts
  const replaced = parts.current(req)
  const foreign = parts.middleware.hasForeign(req)
  // Our own store drops them together with the session.
  if (replaced && foreign) await parts.dropTokens(req.sessionID ?? '')
  const login = describeLogin(config, parts.tenant, fresh)
  await renew(req, { preserve: config.session.preserve, isNew: parts.middleware.isNew(req) })
  await unlist(parts, replaced)
  const { refreshToken, tokenSets, remember } = fresh
  const { handle, since, until, idle } = login
  const origin = { ...(fresh.ip !== undefined && { ip: fresh.ip }), ...userAgent(req) }
  await persist(req, {
    // Another store would take the short name for the login.
    login: foreign ? login : abbreviated(login),
    // Writes that came too late for this answer may still reach the store, and these after them.
    undo: (id) => [parts.dropTokens(id), parts.records.remove(store.prefix + id), unlist(parts, login)],
    remember,
    ...(!parts.records.ordered && {
      confirm: () => Promise.all(ownersOf(login).map((owner) => confirm(parts, owner, login))),
    }),
    beside: (id) => [
      vault.create(id, { refreshToken, tokenSets }, until - since),
      ...ownersOf(login).map((owner) => list(parts, owner, { id, handle, since, until, idle, foreign, ...origin })),
    ],
  })
  return login
}

/** What a logout ends. Where an earlier one got half way, tokens may be left of a session that is gone. */
function presented({ middleware, current }: Parts, req: SessionRequest): Ending {
  const login = current(req)
  const { id } = middleware.standing(req)
  return { id: login ? id : (middleware.endedId(req) ?? id), login }
}

interface Ending {
  id: string | undefined
  login: Login | undefined
}

async function end(parts: Parts, req: SessionRequest, { id, login }: Ending): Promise<boolean> {
  const { store, records, dropTokens } = parts
  if (id === undefined) return true
  const { session, sessionID } = req
  const foreign = parts.middleware.hasForeign(req)
  const ours = () => records.remove(store.prefix + id)
  if (session && sessionID === id) {
    const destroyed = () =>
      promised((done) => {
        session.destroy(done)
      })
    // Our own store drops the tokens itself.
    await (foreign ? dropTokens(id, destroyed) : destroyed())
  } else await dropTokens(id, foreign ? undefined : ours)
  await unlist(parts, login).catch(() => undefined)
  return !req.session || sessionID === id
}

/**
 * In a Cluster a revocation may go by between the writes of a login. What is off the list can never be revoked, so the
 * login looks once all is written, and a revocation deletes again once the entry is gone.
 */
async function confirm(parts: Parts, owner: SessionOwner, { handle }: Login): Promise<void> {
  const entries = await parts.index.find(owner)
  if (entries.some((entry) => entry.handle === handle)) return
  throw new SessionUnavailableError('revoked before it was there')
}

async function list(parts: Parts, owner: SessionOwner, entry: Indexed): Promise<void> {
  const listed = await parts.index.add(owner, entry)
  if (listed % PRUNED_EVERY === 0) void prune(parts, owner).catch(() => undefined)
}

/** Milliseconds: less than the grant takes that follows, in which the store may go away as well. */
const JUST_NOW = 100

/** Entries. Most users never have as many, and a long list is not read at each login. */
const PRUNED_EVERY = 16

/** Entries looked at by one login: more than have come since the last, so that a list shrinks again. */
const MOST_PRUNED = 20

/** Forgets sessions that ended because nobody used them, or the list would only grow. */
async function prune(parts: Parts, owner: SessionOwner): Promise<void> {
  const entries = await parts.index.find(owner)
  const idle = entries.filter(({ since, idle }) => since + idle < parts.config.clock()).slice(0, MOST_PRUNED)
  const seen = await Promise.all(idle.map((entry) => lastSeen(parts, entry)))
  await Promise.all(idle.filter((_, at) => seen[at] === undefined).map((entry) => endIndexed(parts, owner, entry)))
}

async function endIndexed(parts: Parts, owner: SessionOwner, entry: Indexed): Promise<boolean> {
  const before = await erase(parts, entry)
  // Not earlier, so that a try that failed can be repeated.
  await parts.index.drop(owner, [entry.handle])
  return (await erase(parts, entry)) || before
}

async function erase({ dropTokens, records, store }: Parts, { id, foreign }: Indexed): Promise<boolean> {
  const blobs: unknown[] = []
  const had = await dropTokens(id, async () => blobs.push(await records.take(store.prefix + id)))
  return foreign ? had : blobs[0] !== undefined
}

async function lastSeen(parts: Parts, { id, idle, since, foreign }: Indexed): Promise<number | undefined> {
  if (foreign) return (await parts.vault.read(id)) && since
  const blob = await parts.records.readWithTtl(parts.store.prefix + id)
  return blob && Math.max(since, parts.config.clock() - Math.max(0, idle - blob.ttl))
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

/** Its holder renews it while it works, however slow Auth0 is; a slow store must not cost it the lock. */
function lockTtl({ timeouts }: Config): number {
  return 2 * timeouts.redis + 1000
}
