import type { IncomingMessage } from 'node:http'
import { ConfigurationError } from '../errors.js'
import type { RequestAuth } from './types.js'

/**
 * The logged-in user of a request, for handlers and routers behind `requireAuth`.
 *
 * @throws ConfigurationError when the request did not pass `requireAuth`.
 */
export function getAuth(req: IncomingMessage): RequestAuth {
  const { auth } = req as { auth?: RequestAuth }
  if (!auth) throw new ConfigurationError('getAuth(req) requires auth.requireAuth before this handler')
  return auth
}
