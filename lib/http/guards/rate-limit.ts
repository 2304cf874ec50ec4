import type { Request, RequestHandler } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { AuthError } from '../../errors.js'
import { plainAddress } from '../../ip-address.js'
import type { Limit } from '../../options/options.js'
import { clientAddress } from '../client-address.js'
import type { SendError } from '../send-error.js'
import type { AttemptStore } from './attempt-store.js'

export interface RateLimitParts {
  /** Names the limit in its headers. */
  name: string
  store: AttemptStore
  /** Who is counted. Undefined: nobody. */
  keyOf: (req: Request) => string | undefined
  sendError: SendError
  /** Tells operators. */
  onLimit?: (req: Request) => void
}

/** Refuses requests of one kind beyond a limit: 429 `rate_limited`. */
export function limitRequests(allowed: Limit | false, parts: RateLimitParts): RequestHandler {
  const { name, store, keyOf, sendError, onLimit } = parts
  if (!allowed)
    return (_req, _res, next) => {
      next()
    }
  const { limit, windowMs } = allowed
  return rateLimit({
    limit,
    windowMs,
    store,
    identifier: name,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (req) => keyOf(req) ?? '',
    skip: (req) => keyOf(req) === undefined,
    // The checks print, and are about the default key; ours never reads a raw header.
    validate: false,
    handler: (req: Request, res, next) => {
      onLimit?.(req)
      sendError(new AuthError('rate_limited'), { req, res, next })
    },
  })
}

/**
 * The client's subnet: an IPv4 address, or an IPv6 /56, which is what one customer gets. Undefined without an address (a
 * Unix socket), where all clients would share one count, and lock each other out.
 */
export function subnetOf(req: Request): string | undefined {
  const address = addressOf(req)
  return address === undefined ? undefined : ipKeyGenerator(address, 56)
}

/** An unparsable forwarded address falls back to the proxy's own. */
function addressOf(req: Request): string | undefined {
  return clientAddress(req) ?? plainAddress(req.socket.remoteAddress ?? '')
}
