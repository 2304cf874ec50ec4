import type { Request } from 'express'
import { AuthError } from '../../errors.js'
import type { Hint } from '../../events.js'
import { addressOf, subnetOf } from './rate-limit.js'

/**
 * The rate-limit key of a client: its subnet. A disconnected client is refused, because its address is no longer known.
 * Clients on a Unix socket have no address and share one key.
 */
export function bucketOf(req: Request, hint: Hint): string {
  const { socket } = req
  if (socket.destroyed) throw clientHasGone()
  const address = addressOf(req)
  if (address !== undefined) return subnetOf(address)
  // A TCP connection without a remote address has been closed.
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
