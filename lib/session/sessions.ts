import type { IncomingMessage } from 'node:http'
import type { Report } from '../events.js'
import type { Config } from '../options/options.js'
import type { Records } from '../store/records.js'
import { createReadCookies, signingKeys, type ReadCookies } from './cookie.js'
import { endOldest, establish, idsOf, type EstablishParts, type NewLogin, type Place } from './establish.js'
import { createLoginSeal, type Login } from './login.js'
import { createRefreshLock } from './refresh-lock.js'
import type { Seal } from './seal.js'
import { createSessionMiddleware, type SessionRequest } from './session-middleware.js'
import { createSessionRecords, type Live, type SessionRecords } from './session-records.js'
import { SessionStore } from './session-store.js'
import { createTokenVault } from './token-vault.js'
import { createSessionLists } from './user-list.js'

/** The session of a request. `ended`: a valid cookie whose session is gone. */
export type Presented = { state: 'none' | 'ended' } | ({ state: 'live' } & Live)

export type Sessions = ReturnType<typeof createSessions>

export interface SessionsParts {
  config: Config
  records: Records
  /** Prefix of every key. Names the tenant. */
  prefix: string
  seal: Seal
  /** Called with the refresh token of each session that has ended. */
  orphaned: (refreshToken: string | undefined) => void
  /** The error of every request after `auth.close()`, even of one that needs no store. */
  closed: () => Error | undefined
  report: Report
}

export function createSessions({ config, records, prefix, seal, orphaned, closed, report }: SessionsParts) {
  const { session, testClock, timeouts } = config
  const logins = createLoginSeal(seal)
  const lists = createSessionLists({ records, prefix, config, isStored: (id) => sessions.isStored(id) })
  const sessions = createSessionRecords({
    ...{ records, logins, prefix, testClock },
    extended: (id, login) => void listAgain(parts, { id, login }).catch(() => undefined),
  })
  const vault = createTokenVault({ records, seal, logins, keyOf: sessions.keyOf })
  const end = createEnd({ vault, lists, orphaned })
  const store = new SessionStore({ records, sessions, visitor: { idle: session.ordinary.idleTimeout * 1000 }, end })
  const keys = signingKeys(session.secrets)
  const readCookies = createReadCookies(session.cookie.name, keys, closed)
  const middleware = createSessionMiddleware({ session, keys, store, sessions, readCookies, closed })
  const shared = { config, records, sessions, store, middleware, readCookies }
  const parts: EstablishParts = { ...shared, logins, vault, lists, end, report }

  return {
    ...{ vault, lists },
    // The holder renews it. A slow store must not cost it the lock.
    lock: createRefreshLock(records, { prefix, ttl: 2 * timeouts.redis + 1000 }),
    /** Milliseconds on the store's clock. Rejects with `session_unavailable` if the store is down. */
    now: () => records.now(),
    /** Who is logged in, for any request of Node. Does not change the request. */
    present: async (req: IncomingMessage) => present(sessions, readCookies(req)),
    ...{ mount: middleware.mount, mounted: middleware.mounted, isTaken: middleware.isTaken },
    establish: (fresh: NewLogin, place: Place) => establish(parts, fresh, place),
    end,
    /** Ends every session of a request, and the given one. Resolves to their logins. */
    endAll: (req: SessionRequest, id?: string) => endAll(parts, req, id),
    peek: sessions.peek,
  }
}

async function present(sessions: SessionRecords, cookies: ReturnType<ReadCookies>): Promise<Presented> {
  let state: 'none' | 'ended' = 'none'
  for (const { id } of cookies) {
    const found = await sessions.find(id)
    if (found?.login) return { state: 'live', id, login: found.login, tokens: found.tokens }
    // A session without a login.
    if (found && !found.isSealed) return { state: 'none' }
    state = 'ended'
  }
  return { state }
}

async function endAll(parts: EstablishParts, req: SessionRequest, id?: string): Promise<Login[]> {
  const ids = new Set([...(id === undefined ? [] : [id]), ...idsOf(parts, req)])
  const ended = await Promise.all([...ids].map((one) => parts.end(one)))
  // As express-session does when a session is destroyed.
  if (parts.middleware.isMounted(req)) delete (req as SessionRequest).session
  return ended.flatMap((one) => one?.login ?? [])
}

/**
 * Ends a session and resolves to its login. Revokes its refresh token in the background. If the session is gone already,
 * the given login is still removed from the lists.
 */
type End = (id: string, known?: Login) => Promise<{ login: Login | undefined } | undefined>

type EndParts = Pick<EstablishParts, 'vault' | 'lists'> & Pick<SessionsParts, 'orphaned'>

function createEnd({ vault, lists, orphaned }: EndParts): End {
  return async (id, known) => {
    // Read first: if the reply to the deletion is lost, the refresh token would be, too.
    const tokens = await vault.read(id)
    const ended = await vault.end(id).catch((err: unknown) => {
      if (tokens !== 'sealed') orphaned(tokens?.refreshToken)
      throw err
    })
    orphaned(ended?.tokens?.refreshToken)
    // Last, because a live session that is not listed could not be revoked.
    const login = ended?.login ?? known
    if (login) await lists.drop(login).catch(() => undefined)
    return ended
  }
}

/** Lists a session that is in use again, in case Redis has evicted the list. */
async function listAgain(parts: EstablishParts, { id, login }: Live): Promise<void> {
  const tooMany = await parts.lists.add(login, id)
  if (tooMany) await endOldest(parts, login.sub, tooMany)
  else await parts.end(id)
}
