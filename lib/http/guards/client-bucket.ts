import type { Request } from 'express'
import { AuthError } from '../../errors.js'
import type { Hint } from '../../events.js'
import { addressOf, subnetOf } from './rate-limit.js'

/**
 * Whose attempts count together: those of a subnet. A client that has gone is refused: its address cannot be found out any
 * more. On a Unix socket nobody has an address, and all share one bucket.
 */
export function bucketOf(req: Request, hint: Hint): string {
  const { socket } = req
  if (socket.destroyed) throw clientHasGone()
  const address = addressOf(req)
  if (address !== undefined) return subnetOf(address)
  // A TCP connection has at least an address of its own.
  if (socket.localAddress !== undefined) throw clientHasGone()
  hint('no client address', NO_ADDRESS)
  return 'unknown'
}

export function clientHasGone(): AuthError {
  return new AuthError('invalid_request', { detail: 'the client has disconnected' })
}

const NO_ADDRESS =
  'a login came over a Unix socket without a client address, so all users share one rate limit: if a proxy forwards the ' +
  "address, call app.set('trust proxy', 1) (the number of proxies)"
