import type { IncomingMessage } from 'node:http'
import type { Config } from '../options/options.js'
import type { Records } from '../store/records.js'
import { createReadCookies, signingKeys, type ReadCookies } from './cookie.js'
import { establish, idsOf, type Established, type EstablishParts, type NewLogin, type Place } from './establish.js'
import { inBatches } from './in-batches.js'
import { createLoginSeal, type Login } from './login.js'
import { createRefreshLock, type RefreshLock } from './refresh-lock.js'
import type { Seal } from './seal.js'
import { createSessionMiddleware, type SessionMiddleware, type SessionRequest } from './session-middleware.js'
import { createSessionRecords, type SessionRecords, type StoredSession } from './session-records.js'
import { SessionStore } from './session-store.js'
import { createTokenVault, type TokenVault } from './token-vault.js'
import { createUserList, type UserList } from './user-list.js'

/** A session that lives. */
export interface Live {
  id: string
  login: Login
}

/** What a request came with. `ended`: a genuine cookie without a live session. */
export type Presented = { state: 'none' | 'ended' } | ({ state: 'live' } & Live)

export interface Sessions {
  vault: TokenVault
  lock: RefreshLock
  list: UserList
  /** Milliseconds on the clock of the store. Rejects with `session_unavailable` when no session could be stored. */
  now: () => Promise<number>
  /** Who is logged in, by the cookies of any request. Nothing of the request is changed. */
  present: (req: IncomingMessage) => Promise<Presented>
  /** Whether the request carries a genuine cookie; asks no store. */
  hasCookie: (req: IncomingMessage) => boolean
  /** `req.session` of express-session, for the app's own data. */
  mount: SessionMiddleware['mount']
  /** The login of a request on which the session is mounted. */
  mounted: (req: SessionRequest) => Live | undefined
  establish: (fresh: NewLogin, place: Place) => Promise<Established>
  /** Ends a session; resolves to its login. Revokes its refresh token in the background. */
  end: (id: string) => Promise<{ login: Login | undefined } | undefined>
  /** Ends every session that a request came with, and the one that is named; resolves to their logins. */
  endAll: (req: SessionRequest, id?: string) => Promise<Login[]>
  /** A session by its id, its idle time left alone. */
  peek: (id: string) => Promise<StoredSession | undefined>
}

export interface SessionsParts {
  config: Config
  records: Records
  /** Begins every key; names the tenant. */
  prefix: string
  seal: Seal
  /** Called with each refresh token that no session holds any more. */
  orphaned: (refreshToken: string | undefined) => void
}

export function createSessions({ config, records, prefix, seal, orphaned }: SessionsParts): Sessions {
  const { session, testClock, timeouts } = config
  const { ordinary, remembered } = session
  const logins = createLoginSeal(seal)
  const longest = Math.max(ordinary.absoluteTimeout, remembered.absoluteTimeout) * 1000
  const list = createUserList({ records, prefix, maxPerUser: session.maxPerUser, longest })
  const sessions = createSessionRecords({
    ...{ records, logins, prefix, testClock },
    extended: (id, login) => void listAgain(list, end, { id, login }).catch(() => undefined),
  })
  const vault = createTokenVault({ records, seal, logins, keyOf: sessions.keyOf })
  const end = createEnd({ vault, list, orphaned })
  const visitor = { idle: ordinary.idleTimeout * 1000 }
  const store = new SessionStore({ records, sessions, visitor, end })
  const keys = signingKeys(session.secrets)
  const readCookies = createReadCookies(session.cookie.name, keys)
  const middleware = createSessionMiddleware({ session, keys, store, sessions, readCookies })
  const parts = { config, records, sessions, store, middleware, readCookies, logins, vault, list, end }

  return {
    vault,
    list,
    // Its holder renews it while it works, however slow Auth0 is; a slow store must not cost it the lock.
    lock: createRefreshLock(records, { prefix, ttl: 2 * timeouts.redis + 1000 }),
    now: () => records.now(),
    present: (req) => present(sessions, readCookies(req)),
    hasCookie: (req) => readCookies(req).length > 0,
    mount: middleware.mount,
    mounted: (req) => {
      const login = middleware.isMounted(req) ? store.loginOf(req.session) : undefined
      return login && { id: req.sessionID ?? '', login }
    },
    establish: (fresh, place) => establish(parts, fresh, place),
    end,
    endAll: createEndAll(parts),
    peek: sessions.peek,
  }
}

async function present(sessions: SessionRecords, cookies: ReturnType<ReadCookies>): Promise<Presented> {
  let state: 'none' | 'ended' = 'none'
  for (const { id } of cookies) {
    const found = await sessions.find(id)
    if (found?.login) return { state: 'live', id, login: found.login }
    // A visitor's session.
    if (found && !found.isSealed) return { state: 'none' }
    state = 'ended'
  }
  return { state }
}

function createEndAll({
  middleware,
  readCookies,
  end,
}: Pick<EstablishParts, 'middleware' | 'readCookies'> & { end: End }) {
  return async (req: SessionRequest, id?: string): Promise<Login[]> => {
    const named = id === undefined ? [] : [id]
    const ended = await Promise.all([...new Set([...named, ...idsOf({ middleware, readCookies }, req)])].map(end))
    // As express-session itself does: what is written from here on belongs to nobody.
    if (middleware.isMounted(req)) delete (req as SessionRequest).session
    return ended.flatMap((one) => one?.login ?? [])
  }
}

type End = Sessions['end']

interface EndParts {
  vault: TokenVault
  list: UserList
  orphaned: SessionsParts['orphaned']
}

function createEnd({ vault, list, orphaned }: EndParts): End {
  return async (id) => {
    // Read first: if the answer to the deletion is lost, nobody else will ever know the refresh token.
    const known = await vault.read(id)
    const ended = await vault.end(id).catch((err: unknown) => {
      if (known !== 'sealed') orphaned(known?.refreshToken)
      throw err
    })
    orphaned(ended?.tokens?.refreshToken)
    // Last: what is off the list while it lives could not be revoked.
    if (ended?.login) await list.drop(ended.login.sub, [ended.login.handle]).catch(() => undefined)
    return ended
  }
}

/** A session that is in use belongs on its user's list, even after the store has evicted the list. */
async function listAgain(list: UserList, end: End, { id, login }: Live): Promise<void> {
  const tooMany = await list.add(login, id)
  if (!tooMany) await end(id)
  else await inBatches(tooMany, (oldest) => end(oldest.id))
}
