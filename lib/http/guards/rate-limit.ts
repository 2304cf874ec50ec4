import type { Request, Response } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { AuthError } from '../../errors.js'
import { plainAddress } from '../../ip-address.js'
import type { Limit } from '../../options/options.js'
import { clientAddress } from '../client-address.js'
import type { AttemptStore } from './attempt-store.js'

export interface RateLimitParts {
  /** Names the limit in its headers. */
  name: string
  allowed: Limit
  store: AttemptStore
  /** Whether the response says how many attempts are left. Default: true. */
  headers?: boolean
}

/** Counts one attempt under a key. Rejects with `rate_limited`, and then the attempt does not count. */
export interface RateLimit {
  count(key: string, res: Response): Promise<void>
  /** Takes an attempt back. */
  giveBack(key: string): void
}

/** What the library treats as a request: it reads the key from it and writes the count to it. */
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
    // The checks print, and are about the default key; ours never reads a raw header.
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

/** The client's subnet: an IPv4 address, or an IPv6 /56, which is what one customer gets. */
export function subnetOf(address: string): string {
  return ipKeyGenerator(address, 56)
}

/** An unparsable forwarded address falls back to the proxy's own. */
export function addressOf(req: Request): string | undefined {
  return clientAddress(req) ?? plainAddress(req.socket.remoteAddress ?? '')
}
