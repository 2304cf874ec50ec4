import { AuthError } from '../errors.js'
import type { Place } from '../session/establish.js'

/** A client that hung up will never see its cookie. */
export function checkAwaited({ req, isAwaited = () => !req.socket.destroyed }: Place): void {
  if (!isAwaited()) throw new AuthError('invalid_request', { detail: 'the client has disconnected' })
}
