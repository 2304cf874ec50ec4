import type { IncomingMessage, ServerResponse } from 'node:http'
import { AuthError } from '../errors.js'
import type { Place } from '../session/establish.js'

/** False if the client has disconnected, or if something else has responded, such as a timeout. */
export function awaitsAnswer({ socket, res }: IncomingMessage & { res?: ServerResponse | undefined }): boolean {
  return !socket.destroyed && !res?.headersSent
}

/** Throws if no client would receive the cookie. */
export function checkAwaited({ req, isAwaited = () => awaitsAnswer(req) }: Place): void {
  if (!isAwaited()) throw new AuthError('invalid_request', { detail: 'the client no longer waits for a response' })
}
