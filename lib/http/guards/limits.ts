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
  /** Begins every key; names the tenant. */
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

/** The limits of contract section 4.1, each with counters of its own, shared by all processes. */
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
    // The remaining attempts of an account would reveal whether it exists.
    account: open('account', false),
    known: createKnownClients(`${prefix}rl:known:`, config.limits.account ? store.evaluate : undefined),
    // Auth0 ignores the case of usernames.
    nameOf: (username) => seal.blind(username.trim().toLowerCase()),
    hint,
  }
  const [mfa, signup, reset] = [open('mfa'), open('signup'), open('reset')]
  return {
    /** Counts a login. Rejects with `rate_limited`. */
    login: (exchange: Exchange, username: string) => enter(logins, exchange, username),
    /** The second factor was right, so the client is known from now on. */
    loggedIn: (req: Request, username: string) => {
      logins.known.add(logins.nameOf(username), bucketOf(req, hint))
    },
    /** Counts a request for a second factor; resolves to what takes it back. */
    mfa: async ({ res }: Exchange, username: string) => {
      const name = logins.nameOf(username)
      await mfa.count(name, res)
      return () => {
        mfa.giveBack(name)
      }
    },
    signup: async ({ req, res }: Exchange) => signup.count(bucketOf(req, hint), res),
    reset: async ({ req, res }: Exchange) => reset.count(bucketOf(req, hint), res),
    shutdown: async () => {
      await Promise.all(stores.map((one) => one.shutdown()))
    },
  }
}

export type Limits = ReturnType<typeof createLimits>

const UNLIMITED: RateLimit = { count: () => Promise.resolve(), giveBack: () => undefined }

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
  // A stranger can use up the attempts of the account, but not those of its owner.
  const keyOf = (isKnown: boolean) => (isKnown ? `${name}:${client}` : name)
  const isKnown = known.hasHere(name, client)
  const asked = keyOf(isKnown)
  // All at the same time, so that it is one round trip.
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

/** Outcomes that Auth0 did not judge, or accepted so far. */
const NO_FAILURE: readonly AuthErrorCode[] = [
  ...(['mfa_required', 'auth_unavailable', 'configuration_error'] as const),
  ...(['session_unavailable', 'session_expired', 'internal_error'] as const),
]

function isFailure(failure: unknown): boolean {
  return failure instanceof AuthError && !NO_FAILURE.includes(failure.code)
}

/** By Auth0. */
function isRefusal(failure: unknown): boolean {
  return failure instanceof AuthError && failure.auth0 !== undefined && isFailure(failure)
}
