import type { Request, Response } from 'express'
import { AuthError, type AuthErrorCode } from '../../errors.js'
import type { Hint } from '../../events.js'
import type { Config } from '../../options/options.js'
import type { Seal } from '../../session/seal.js'
import { AttemptStore, type Evaluate } from './attempt-store.js'
import { bucketOf } from './client-bucket.js'
import { createKnownClients } from './known-clients.js'
import { createRateLimit, type RateLimit } from './rate-limit.js'

export interface LimitsParts {
  config: Config
  /** Prefix of every key, unique per tenant. */
  prefix: string
  store: { evaluate: Evaluate | undefined }
  /** Keys never contain usernames in plain text. */
  seal: Seal
  hint: Hint
}

export interface Exchange {
  req: Request
  res: Response
}

/** An attempt in progress. */
export interface Attempt {
  /** Reports the outcome. Undefined: it succeeded. */
  settle: (failure: unknown) => void
}

type Name = keyof Config['limits']

/** All limits, each with its own counters, which all processes share. */
export function createLimits(parts: LimitsParts) {
  const { config, prefix, store, seal, hint } = parts
  const stores: AttemptStore[] = []
  const open = (name: Name, headers = true): RateLimit => {
    const allowed = config.limits[name]
    if (!allowed) return UNLIMITED
    const counters = new AttemptStore(`${prefix}rl:${name}:${allowed.windowMs}:${allowed.limit}:`, store.evaluate)
    stores.push(counters)
    return createRateLimit({ name, allowed, store: counters, headers })
  }
  const logins: LoginLimits = {
    subnet: open('subnet'),
    attempts: open('attempts'),
    // No headers, because remaining attempts would reveal whether the account exists.
    account: open('account', false),
    known: createKnownClients(`${prefix}rl:known:`, config.limits.account ? store.evaluate : undefined),
    // Auth0 ignores the case of usernames.
    nameOf: (username) => seal.blind(username.trim().toLowerCase()),
    hint,
  }
  const [mfa, signup, reset] = [open('mfa'), open('signup'), open('reset')]
  return {
    /** Counts a login. Rejects with `rate_limited`. */
    login: (exchange: Exchange, username: string) =>
      stores.length ? enter(logins, exchange, username) : Promise.resolve(UNCOUNTED),
    /** Counts logins that begin on Auth0's page, separately from password logins. */
    begin: async ({ req, res }: Exchange) => logins.attempts.count(`begin:${bucketOf(req, hint)}`, res),
    /** Marks the client as known after a correct second factor. */
    loggedIn: (req: Request, username: string) => {
      logins.known.add(logins.nameOf(username), bucketOf(req, hint))
    },
    /** Counts a second-factor request. Resolves to a function that takes the attempt back. */
    mfa: async ({ res }: Exchange, username: string) => {
      const name = logins.nameOf(username)
      await mfa.count(name, res)
      return () => {
        mfa.giveBack(name)
      }
    },
    /** Counts requests for the list of second factors, separately from attempts. */
    authenticators: async ({ res }: Exchange, username: string) => mfa.count(`list:${logins.nameOf(username)}`, res),
    signup: async ({ req, res }: Exchange) => signup.count(bucketOf(req, hint), res),
    reset: async ({ req, res }: Exchange) => reset.count(bucketOf(req, hint), res),
    shutdown: () => Promise.all(stores.map((one) => one.shutdown())),
  }
}

export type Limits = ReturnType<typeof createLimits>

const UNLIMITED: RateLimit = { count: () => Promise.resolve(), giveBack: () => undefined }

const UNCOUNTED: Attempt = { settle: () => undefined }

interface LoginLimits {
  subnet: RateLimit
  attempts: RateLimit
  account: RateLimit
  known: ReturnType<typeof createKnownClients>
  nameOf: (username: string) => string
  hint: Hint
}

async function enter(limits: LoginLimits, { req, res }: Exchange, username: string): Promise<Attempt> {
  const { subnet, attempts, account, known, nameOf, hint } = limits
  const client = bucketOf(req, hint)
  const name = nameOf(username)
  // Known clients have their own counter, so that strangers cannot lock out the owner.
  const keyOf = (isKnown: boolean) => (isKnown ? `${name}:${client}` : name)
  const isKnown = known.hasHere(name, client)
  const asked = keyOf(isKnown)
  // In parallel, so that they cost one round trip.
  const [ofSubnet, ofAll, ofAccount, isKnownElsewhere] = await Promise.allSettled([
    subnet.count(client, res),
    attempts.count(client, res),
    account.count(asked, res),
    !isKnown && known.has(name, client),
  ])
  const key = keyOf(isKnown || (isKnownElsewhere.status === 'fulfilled' && isKnownElsewhere.value))
  const isMistaken = key !== asked
  if (isMistaken && ofAccount.status === 'fulfilled') account.giveBack(asked)
  try {
    const refused = [ofSubnet, ofAll, ...(isMistaken ? [] : [ofAccount])].find((one) => one.status === 'rejected')
    if (refused) throw refused.reason
    if (isMistaken) await account.count(key, res)
  } catch (err) {
    if (ofSubnet.status === 'fulfilled') subnet.giveBack(client)
    if (!isMistaken && ofAccount.status === 'fulfilled') account.giveBack(key)
    throw err
  }
  return {
    settle: (failure) => {
      if (!isFailure(failure)) subnet.giveBack(client)
      if (!isRefusal(failure)) account.giveBack(key)
      if (failure === undefined) known.add(name, client)
    },
  }
}

/** Outcomes in which Auth0 did not reject the credentials. */
const NO_FAILURE: readonly AuthErrorCode[] = [
  ...(['mfa_required', 'auth_unavailable', 'configuration_error'] as const),
  ...(['session_unavailable', 'session_expired', 'internal_error'] as const),
]

function isFailure(failure: unknown): boolean {
  return failure instanceof AuthError && !NO_FAILURE.includes(failure.code)
}

/** Whether Auth0 refused the login. */
function isRefusal(failure: unknown): boolean {
  return failure instanceof AuthError && failure.auth0 !== undefined && isFailure(failure)
}
