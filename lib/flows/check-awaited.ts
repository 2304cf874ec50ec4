import { AuthError } from '../errors.js'
import type { Place } from '../session/establish.js'

/** Throws if the client has disconnected, because it would never receive its cookie. */
export function checkAwaited({ req, isAwaited = () => !req.socket.destroyed }: Place): void {
  if (!isAwaited()) throw new AuthError('invalid_request', { detail: 'the client has disconnected' })
}
