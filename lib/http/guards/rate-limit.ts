import type { Request, RequestHandler } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { AuthError } from '../../errors.js'
import type { Report } from '../../events.js'
import { plainAddress } from '../../ip-address.js'
import type { Limit } from '../../options/options.js'
import { clientAddress } from '../client-address.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'
import type { AttemptStore } from './attempt-store.js'

export interface RateLimitParts {
  store: AttemptStore
  report: Report
  sendError: SendError
  /** For the event: what the user typed, or its hash. */
  userNameOf: (req: Request) => { userName?: string }
}

/** Limits login attempts of a client subnet: an IPv4 address, or an IPv6 /56, which is what one customer gets. */
export function limitSubnet(allowed: Limit | false, parts: RateLimitParts): RequestHandler {
  const { store, report, sendError, userNameOf } = parts
  if (!allowed)
    return (_req, _res, next) => {
      next()
    }
  const { limit, windowMs } = allowed
  return rateLimit({
    limit,
    windowMs,
    store,
    identifier: 'login',
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (req) => ipKeyGenerator(addressOf(req) ?? '', 56),
    // Without an address (a Unix socket) all clients would share one count, and lock each other out.
    skip: (req) => addressOf(req) === undefined,
    // The checks print, and are about the default key; ours never reads a raw header.
    validate: false,
    handler: (req: Request, res, next) => {
      report({ name: 'login.rate_limited', code: 'rate_limited', ...whoAsks(req), ...userNameOf(req) })
      sendError(new AuthError('rate_limited'), { req, res, next })
    },
  })
}

/** Who sends nonsense for an address through a trusted proxy is counted by the proxy's. */
function addressOf(req: Request): string | undefined {
  return clientAddress(req) ?? plainAddress(req.socket.remoteAddress ?? '')
}
