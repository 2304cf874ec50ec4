import type { Request, Response } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { AuthError } from '../../errors.js'
import { plainAddress } from '../../ip-address.js'
import type { Limit } from '../../options/rate-limit-options.js'
import { clientAddress } from '../client-address.js'
import type { AttemptStore } from './attempt-store.js'

export interface RateLimitParts {
  /** Name of the limit in response headers. */
  name: string
  allowed: Limit
  store: AttemptStore
  /** Whether the response contains rate limit headers. Default: true. */
  headers?: boolean
}

/** Counts attempts. Rejects with `rate_limited`, without counting the refused attempt. */
export interface RateLimit {
  count(key: string, res: Response): Promise<void>
  /** Takes an attempt back. */
  giveBack(key: string): void
}

/** Passed to express-rate-limit as the request: it reads the key and writes the count. */
interface Carrier {
  key: string
  rateLimit?: { resetTime?: Date }
}

export function createRateLimit({ name, allowed, store, headers = true }: RateLimitParts): RateLimit {
  const { limit, windowMs } = allowed
  const count = rateLimit({
    limit,
    windowMs,
    store,
    identifier: name,
    standardHeaders: headers ? 'draft-8' : false,
    legacyHeaders: false,
    keyGenerator: (req) => carrierOf(req).key,
    // Off, because these checks print warnings about the default key generator.
    validate: false,
    handler: (req, _res, next) => {
      next(limited(name, windowMs, carrierOf(req).rateLimit?.resetTime))
    },
  }) as unknown as (carrier: Carrier, res: Response, next: (err?: Error) => void) => Promise<void>
  const giveBack = (key: string) => {
    void store.decrement(key)
  }
  return {
    giveBack,
    count: (key, res) =>
      new Promise((resolve, reject) => {
        void count({ key }, res, (err) => {
          if (err === undefined) resolve()
          else {
            giveBack(key)
            reject(err)
          }
        })
      }),
  }
}

const carrierOf = (req: Request) => req as unknown as Carrier

function limited(name: string, windowMs: number, resetTime = new Date(Date.now() + windowMs)): AuthError {
  const seconds = Math.max(1, Math.ceil((resetTime.getTime() - Date.now()) / 1000))
  const detail = `the limit rateLimit.${name} was exceeded`
  return new AuthError('rate_limited', { detail, headers: { 'Retry-After': String(seconds) } })
}

/** The client's subnet: an IPv4 address or an IPv6 /56, the usual size per customer. */
export function subnetOf(address: string): string {
  return ipKeyGenerator(address, 56)
}

/** An unparsable forwarded address falls back to the proxy's own. */
export function addressOf(req: Request): string | undefined {
  return clientAddress(req) ?? plainAddress(req.socket.remoteAddress ?? '')
}
