import { randomUUID } from 'node:crypto'
import { ConfigurationError, SessionUnavailableError } from '../errors.js'
import type { Config } from '../options/options.js'
import type { Login } from './login.js'
import { makeFor } from './session-blob.js'
import { promised } from './promised.js'
import type { SessionRequest } from './arrival.js'
import type { TokenRecord } from './token-vault.js'

/** What a login puts into a session. */
export interface NewLogin extends TokenRecord {
  sub: string
  user: Record<string, unknown>
  scope: string
  remember: boolean
  /** Auth0's own session id. */
  sid?: string | undefined
  /** Client address, for the user's list of sessions. */
  ip?: string | undefined
}

export function describeLogin(config: Config, tenant: string, fresh: NewLogin): Login {
  const { sub, sid, user, scope, remember } = fresh
  const lifetime = remember ? config.session.remembered : config.session.ordinary
  const since = config.clock()
  const until = since + lifetime.absoluteTimeout * 1000
  const identity = { tenant, sub, ...(sid !== undefined && { sid }), user, scope }
  return { ...identity, handle: randomUUID(), since, until, idle: lifetime.idleTimeout * 1000 }
}

export interface Renewal {
  /** Keys of the old session that come along. */
  preserve: readonly string[]
  /** True for a session that begins here: nobody can know its id. */
  isNew: boolean
}

/** Puts a session with a new id in place of the old one. */
export async function renew(req: SessionRequest, { preserve, isNew }: Renewal): Promise<void> {
  const old = req.session
  if (!old) throw new ConfigurationError(NO_SESSION)
  if (isNew) return
  const kept = preserve.filter((key) => Object.hasOwn(old, key)).map((key) => [key, Reflect.get(old, key) as unknown])
  await promised((done) => {
    old.regenerate(done)
  })
  Object.assign(req.session ?? {}, Object.fromEntries(kept))
}

const NO_SESSION = 'session.cookie.path does not cover the route of the login, so it gets no session'

export interface Persisted {
  login: Login
  /** A cookie that outlives the browser. */
  remember: boolean
  /** Stores what goes beside the session. */
  beside: (sessionId: string) => Promise<unknown>[]
  /** Rejects when what was stored does not hold. */
  confirm?: () => Promise<unknown>
  /** Takes back what may have been stored. */
  undo: (sessionId: string) => Promise<unknown>[]
}

/** Stores everything at once; if any of it fails there is no session and no cookie. */
export async function persist(
  req: SessionRequest,
  { login, remember, beside, confirm, undo }: Persisted,
): Promise<void> {
  const { session, sessionID } = req
  if (!session || sessionID === undefined) throw new SessionUnavailableError('the session could not be renewed')
  makeFor(login, sessionID)
  session.ropg = login
  if (remember) session.cookie.maxAge = login.until - login.since
  const blob = promised((done) => {
    session.save(done)
  })
  const failure = (await failureOf([blob, ...beside(sessionID)])) ?? (await failureOf([confirm?.()]))
  if (!failure) return
  // Without a session express-session sends no cookie for what could not be stored.
  delete req.session
  void Promise.allSettled(undo(sessionID))
  throw failure.reason
}

/** Waits for all of them. */
async function failureOf(tasks: unknown[]): Promise<PromiseRejectedResult | undefined> {
  return (await Promise.allSettled(tasks)).find((task) => task.status === 'rejected')
}
