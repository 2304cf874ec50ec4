import { randomUUID } from 'node:crypto'
import { AuthError } from '../errors.js'
import type { Report } from '../events.js'
import type { Config } from '../options/options.js'
import type { ReadCookies } from './cookie.js'
import { inBatches } from './in-batches.js'
import type { Login } from './login.js'
import type { SessionMiddleware, SessionRequest } from './session-middleware.js'
import { dataOf, parsedData, type SessionStore } from './session-store.js'
import type { SessionVault, TokenRecord } from './session-vault.js'
import type { Listed, SessionLists } from './user-list.js'

/** What a login puts into a session. */
export interface NewLogin extends TokenRecord, Omit<Login, 'handle' | 'until' | 'userAgent'> {
  remember: boolean
  /** Time before the password was checked, in milliseconds on the store's clock. Default: `since`. */
  began?: number
}

export interface EstablishParts {
  config: Config
  ordered: boolean
  vault: SessionVault
  store: SessionStore
  middleware: SessionMiddleware
  readCookies: ReadCookies
  lists: SessionLists
  report: Report
  /** Ends a session, and revokes its refresh token. */
  end: (id: string) => Promise<{ login: Login | undefined } | undefined>
}

export interface Place {
  req: SessionRequest
  /** Whether the request came over HTTPS. */
  isSecure: boolean
  /** Whether a client is still waiting for the response. Default: until it disconnects or gets one. */
  isAwaited?: () => boolean
}

/** Replaces the sessions of a request. If anything fails, there is no new session, and the old one stays. */
export async function establish(parts: EstablishParts, fresh: NewLogin, { req, isSecure }: Place) {
  const { config, ordered, vault, store, middleware, lists } = parts
  const { idleTimeout, absoluteTimeout } = fresh.remember ? config.session.remembered : config.session.ordinary
  const life = { idle: idleTimeout * 1000, absolute: absoluteTimeout * 1000 }
  const login = describe(fresh, life.absolute, req.headers['user-agent'])
  const before = await previous(parts, req)
  const replaced = idsOf(parts, req)
  const { id, session, cookie } = middleware.begin(isSecure)
  Object.assign(session, keptData(before, login, config.session.preserve), { ropg: login.handle })
  if (fresh.remember) session.cookie.maxAge = life.absolute
  const created = store.create(id, session, { life, fresh: { login, tokens: fresh } })
  try {
    // A concurrent revocation must find the session that the list entry points to.
    if (!ordered) await created
    const spare = before.sub === fresh.sub ? 1 : 0
    const [tooMany] = await Promise.all([lists.add({ ...login, began: fresh.began }, id, spare), created])
    if (!tooMany) throw new AuthError('session_expired', { detail: REVOKED })
    await endOldest(parts, login.sub, tooMany)
    await Promise.all(replaced.map((old) => parts.end(old)))
  } catch (err) {
    // The caller revokes the tokens.
    void Promise.allSettled([vault.end(id), lists.drop(login)])
    throw err
  }
  // auth.session sets the cookie itself.
  return { id, login, cookie: middleware.adopt(req, id, session) ? undefined : cookie() }
}

export type Established = Awaited<ReturnType<typeof establish>>

const REVOKED = "the user's sessions were revoked while this login was under way"
const USER_AGENT_LIMIT = 256

function describe(fresh: NewLogin, longest: number, userAgent?: string): Login {
  const { sub, sid, user, scope, permissions, data, ip, since, interactive, authenticated = since } = fresh
  return {
    ...{ sub, sid, user, scope, permissions, data, ip, since, interactive },
    handle: randomUUID(),
    until: since + longest,
    authenticated: authenticated < since ? authenticated : undefined,
    userAgent: userAgent?.slice(0, USER_AGENT_LIMIT),
  }
}

export function idsOf({ middleware, store, readCookies }: EstablishParts, req: SessionRequest): string[] {
  const mounted = middleware.isMounted(req) && store.knownOf(req.session) ? [req.sessionID] : []
  return [...new Set([...mounted, ...readCookies(req).map(({ id }) => id)])]
}

export async function endOldest({ lists, end, report }: EstablishParts, sub: string, tooMany: readonly Listed[]) {
  const handles = await inBatches(tooMany, async ({ id, handle }) => {
    if (await end(id)) report({ name: 'session.revoked', sub, sessionId: handle, detail: OVER_LIMIT })
    return handle
  })
  await lists.ofUser.drop(sub, handles)
}

const OVER_LIMIT = 'the user has more sessions than session.maxPerUser'

/** Whose session the request had before, and the app's data in it. */
async function previous({ middleware, store, vault, readCookies }: EstablishParts, req: SessionRequest) {
  if (middleware.isMounted(req)) return { sub: store.knownOf(req.session)?.login?.sub, data: dataOf(req.session) }
  const found = await vault.findFirst(readCookies(req))
  return { sub: found?.login?.sub, data: parsedData(found?.data) }
}

/** The app's data for the new session: all of the same user's, preserved keys of a visitor's, none of another user's. */
function keptData({ sub, data }: Awaited<ReturnType<typeof previous>>, login: Login, preserve: readonly string[]) {
  const { ropg: _mark, ...own } = data
  if (sub === login.sub) return own
  return sub === undefined ? Object.fromEntries(Object.entries(own).filter(([key]) => preserve.includes(key))) : {}
}
