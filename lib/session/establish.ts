import { randomUUID } from 'node:crypto'
import type { SessionData } from 'express-session'
import { AuthError } from '../errors.js'
import type { Report } from '../events.js'
import type { Config } from '../options/options.js'
import type { Lifetime, Records } from '../store/records.js'
import type { ReadCookies } from './cookie.js'
import { inBatches } from './in-batches.js'
import type { Login, LoginSeal } from './login.js'
import type { SessionMiddleware, SessionRequest } from './session-middleware.js'
import { LOGIN, type SessionRecords } from './session-records.js'
import { dataOf, parsedData, type SessionStore } from './session-store.js'
import type { TokenRecord, TokenVault } from './token-vault.js'
import type { Listed, SessionLists } from './user-list.js'

/** What a login puts into a session. */
export interface NewLogin extends TokenRecord {
  sub: string
  user: Record<string, unknown>
  scope: string
  permissions?: readonly string[] | undefined
  /** What `onLogin` returned. */
  data?: Record<string, unknown> | undefined
  remember: boolean
  /** Auth0's own session id. */
  sid?: string | undefined
  /** Client address. */
  ip?: string | undefined
  /** Time of the login, in milliseconds on the store's clock. */
  since: number
  /** Time before the password was checked, on the same clock. Default: `since`. */
  began?: number
  /** Logged in on Auth0's login page. */
  interactive?: boolean
  /** Time at which the user entered the password, on the same clock. Default: `since`. */
  authenticated?: number | undefined
}

/** A new session. */
export interface Established {
  id: string
  login: Login
  /** Value of the `Set-Cookie` header. Undefined if `auth.session` sets it. */
  cookie: string | undefined
}

export interface EstablishParts {
  config: Config
  records: Records
  sessions: SessionRecords
  store: SessionStore
  middleware: SessionMiddleware
  readCookies: ReadCookies
  logins: LoginSeal
  vault: TokenVault
  lists: SessionLists
  report: Report
  /** Ends a session, and revokes its refresh token. */
  end: (id: string) => Promise<{ login: Login | undefined } | undefined>
}

/** Where a login happens. */
export interface Place {
  req: SessionRequest
  /** Whether the request came over HTTPS. */
  isSecure: boolean
  /** Whether a client is still waiting for the response. Default: until it disconnects or gets one. */
  isAwaited?: () => boolean
}

/**
 * Creates a session with a new id that replaces the sessions of the request. Resolves when everything is stored. If
 * anything fails, there is no new session, and the old one stays.
 */
export async function establish(parts: EstablishParts, fresh: NewLogin, place: Place): Promise<Established> {
  const { config, middleware } = parts
  const { req } = place
  const login = describe(config, fresh, req.headers['user-agent'])
  const before = await previous(parts, req)
  const replaced = idsOf(parts, req)
  const { id, session, cookie } = middleware.begin(place.isSecure)
  Object.assign(session, keptData(before, fresh.sub, config.session.preserve), { ropg: login.handle })
  if (fresh.remember) session.cookie.maxAge = config.session.remembered.absoluteTimeout * 1000
  const fields = { [LOGIN]: parts.logins.close(login, parts.sessions.keyOf(id)), ...parts.vault.seal(id, fresh) }
  const created = parts.store.create(id, session, { login, fields, life: lifetimeOf(config, fresh) })
  try {
    const spare = before.login?.sub === fresh.sub ? 1 : 0
    await enlist(parts, { login, id, created, spare, began: fresh.began ?? fresh.since })
    await Promise.all(replaced.map((old) => parts.end(old)))
  } catch (err) {
    // The caller revokes the tokens.
    void Promise.allSettled([parts.vault.end(id), parts.lists.drop(login)])
    throw err
  }
  return { id, login, cookie: middleware.adopt(req, id, session) ? undefined : cookie() }
}

/** In characters. */
const USER_AGENT_LIMIT = 256

function describe({ session }: Config, fresh: NewLogin, userAgent?: string): Login {
  const { sub, sid, user, scope, permissions, data, ip, since, interactive, authenticated = since } = fresh
  const { absoluteTimeout } = fresh.remember ? session.remembered : session.ordinary
  return {
    ...{ sub, user, scope, handle: randomUUID(), since, until: since + absoluteTimeout * 1000 },
    ...(sid !== undefined && { sid }),
    ...(interactive && { interactive }),
    ...(authenticated < since && { authenticated }),
    ...(permissions && { permissions }),
    ...(data && { data }),
    ...(ip !== undefined && { ip }),
    ...(userAgent !== undefined && { userAgent: userAgent.slice(0, USER_AGENT_LIMIT) }),
  }
}

function lifetimeOf({ session }: Config, { remember }: NewLogin): Lifetime {
  const { idleTimeout, absoluteTimeout } = remember ? session.remembered : session.ordinary
  return { idle: idleTimeout * 1000, absolute: absoluteTimeout * 1000 }
}

/** Ids of all sessions that belong to a request. */
export function idsOf({ middleware, store, readCookies }: EstablishParts, req: SessionRequest): string[] {
  const mounted = middleware.isMounted(req) && store.knownOf(req.session) ? [req.sessionID] : []
  return [...new Set([...mounted, ...readCookies(req).map(({ id }) => id)])]
}

interface Unlisted {
  login: Login
  id: string
  created: Promise<void>
  /** Sessions of the user that this one replaces. */
  spare: number
  began: number
}

async function enlist(parts: EstablishParts, { login, id, created, spare, began }: Unlisted): Promise<void> {
  const { records, lists } = parts
  // A concurrent revocation must find the session that the list entry points to.
  if (!records.ordered) await created
  const [tooMany] = await Promise.all([lists.add({ ...login, since: began }, id, spare), created])
  if (!tooMany) throw new AuthError('session_expired', { detail: REVOKED })
  await endOldest(parts, login.sub, tooMany)
}

/** Ends the sessions of a user that exceed the limit. */
export async function endOldest({ lists, end, report }: EstablishParts, sub: string, tooMany: readonly Listed[]) {
  await inBatches(tooMany, async ({ id, handle }) => {
    if (await end(id)) report({ name: 'session.revoked', sub, sessionId: handle, detail: OVER_LIMIT })
  })
  await lists.ofUser.drop(sub, tooMany)
}

const OVER_LIMIT = 'the user has more sessions than session.maxPerUser'
const REVOKED = "the user's sessions were revoked while this login was under way"

/** The app's data for the new session: all of the same user's, preserved keys of a visitor's, none of another user's. */
function keptData({ login, data }: Before, sub: string, preserve: readonly string[]): Partial<SessionData> {
  const { ropg: _mark, ...own } = data
  if (login?.sub === sub) return own
  return login ? {} : Object.fromEntries(Object.entries(own).filter(([key]) => preserve.includes(key)))
}

interface Before {
  login: Login | undefined
  data: Partial<SessionData>
}

async function previous(parts: EstablishParts, req: SessionRequest): Promise<Before> {
  const { middleware, store, sessions, readCookies } = parts
  if (middleware.isMounted(req)) return { login: store.knownOf(req.session)?.login, data: dataOf(req.session) }
  for (const { id } of readCookies(req)) {
    const found = await sessions.find(id)
    // A session that cannot be decrypted may belong to another user.
    if (found && !found.isSealed) return { login: found.login, data: parsedData(found.data) }
  }
  return { login: undefined, data: {} }
}
