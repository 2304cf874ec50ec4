import type { Config } from './options.js'
import type { Limit, LimitOptions, RateLimitOptions } from './rate-limit-options.js'

type Limits = Config['limits']

const DEFAULTS = {
  subnet: { limit: 5, windowMs: 60_000 },
  attempts: { limit: 60, windowMs: 60_000 },
  account: { limit: 10, windowMs: 900_000 },
  mfa: { limit: 20, windowMs: 900_000 },
  signup: { limit: 30, windowMs: 3_600_000 },
  reset: { limit: 30, windowMs: 3_600_000 },
} as const satisfies Record<keyof RateLimitOptions, Limit>

/** Fills in defaults. */
export function limitsOf(rateLimit: RateLimitOptions | false = {}): Limits {
  const written = rateLimit === false ? ALL_OFF : rateLimit
  const subnet = complete(written.subnet, DEFAULTS.subnet)
  return Object.freeze({
    subnet,
    attempts: complete(written.attempts, attemptsBeside(subnet)),
    account: complete(written.account, DEFAULTS.account),
    mfa: complete(written.mfa, DEFAULTS.mfa),
    signup: complete(written.signup, DEFAULTS.signup),
    reset: complete(written.reset, DEFAULTS.reset),
  })
}

const ALL_OFF = { subnet: false, attempts: false, account: false, mfa: false, signup: false, reset: false } as const

function complete(written: LimitOptions | false = {}, defaults: Limit): Readonly<Limit> | false {
  if (written === false) return false
  const { limit = defaults.limit, windowMs = defaults.windowMs } = written
  return Object.freeze({ limit, windowMs })
}

/** The default limit for all attempts is never lower than the given limit for failed ones. */
function attemptsBeside(subnet: Limit | false): Limit {
  const { limit, windowMs } = DEFAULTS.attempts
  if (subnet === false) return DEFAULTS.attempts
  return { limit: Math.max(limit, subnet.limit * Math.ceil(windowMs / subnet.windowMs)), windowMs }
}
