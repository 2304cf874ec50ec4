import type { IncomingMessage } from 'node:http'
import type { Report } from '../events.js'
import type { Config } from '../options/options.js'
import type { Records } from '../store/records.js'
import { createReadCookies, signingKeys } from './cookie.js'
import { endOldest, establish, idsOf, type EstablishParts, type NewLogin, type Place } from './establish.js'
import type { Login } from './login.js'
import { createRefreshLock } from './refresh-lock.js'
import type { Seal } from './seal.js'
import { createSessionMiddleware, type SessionRequest } from './session-middleware.js'
import { SessionStore } from './session-store.js'
import { SessionVault, type Live } from './session-vault.js'
import { createSessionLists, type SessionLists } from './user-list.js'

/** The session of a request. `ended`: a valid cookie whose session is gone. */
export type Presented = { state: 'none' | 'ended' } | ({ state: 'live' } & Live)

export type Sessions = ReturnType<typeof createSessions>

export interface SessionsParts {
  config: Config
  records: Records
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
  const extended = (id: string, login: Login) => void listAgain(parts, { id, login }).catch(() => undefined)
  const vault = new SessionVault({ records, seal, prefix, testClock, extended })
  const lists = createSessionLists({ records, prefix, config, peek: (id) => vault.peek(id) })
  const end = createEnd(vault, lists, orphaned)
  const store = new SessionStore({ vault, visitor: { idle: session.ordinary.idleTimeout * 1000 }, end })
  const keys = signingKeys(session.secrets)
  const readCookies = createReadCookies(session.cookie.name, keys, closed)
  const middleware = createSessionMiddleware({ session, keys, store, vault, readCookies, closed })
  const { ordered } = records
  const parts: EstablishParts = { config, ordered, vault, store, middleware, readCookies, lists, end, report }

  return {
    ...{ vault, lists, end },
    // The holder renews it. A slow store must not cost it the lock.
    lock: createRefreshLock(records, { prefix, ttl: 2 * timeouts.redis + 1000 }),
    /** Milliseconds on the store's clock. Rejects with `session_unavailable` if the store is down. */
    now: () => records.now(),
    /** Who is logged in, for any request of Node. Does not change the request. */
    present: async (req: IncomingMessage): Promise<Presented> => {
      const cookies = readCookies(req)
      const { id = '', login, tokens } = (await vault.findFirst(cookies)) ?? {}
      if (login) return { state: 'live', id, login, tokens }
      return { state: id === '' && cookies.length > 0 ? 'ended' : 'none' }
    },
    ...{ mount: middleware.mount, mounted: middleware.mounted, isTaken: middleware.isTaken },
    establish: (fresh: NewLogin, place: Place) => establish(parts, fresh, place),
    /** Ends every session of a request, and the given one. Resolves to their logins. */
    endAll: async (req: SessionRequest, id?: string): Promise<Login[]> => {
      const ids = new Set([...(id === undefined ? [] : [id]), ...idsOf(parts, req)])
      const ended = await Promise.all([...ids].map((one) => end(one)))
      // As express-session does when a session is destroyed.
      if (middleware.isMounted(req)) delete (req as SessionRequest).session
      return ended.flatMap((one) => one?.login ?? [])
    },
  }
}

/** Ends a session, revokes its refresh token in the background, and takes its login, or else the known one, off the lists. */
function createEnd(vault: SessionVault, lists: SessionLists, orphaned: SessionsParts['orphaned']) {
  return async (id: string, known?: Login) => {
    // Read first: if the reply to the deletion is lost, the refresh token would be, too.
    const tokens = await vault.tokens(id)
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

/** Lists a session in use, in case Redis has evicted the list. Allows for one that a login is replacing. */
async function listAgain(parts: EstablishParts, { id, login }: Live): Promise<void> {
  const tooMany = await parts.lists.add(login, id, 1)
  if (tooMany) await endOldest(parts, login.sub, tooMany)
  else await parts.end(id)
}
