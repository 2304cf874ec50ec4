import type { IncomingMessage } from 'node:http'
import { ConfigurationError } from '../errors.js'
import type { RequestAuth } from './types.js'

/**
 * Returns `req.auth`, for handlers and routers behind `requireAuth`.
 *
 * @throws ConfigurationError if the request did not pass `requireAuth`.
 */
export function getAuth(req: IncomingMessage): RequestAuth {
  const { auth } = req as { auth?: RequestAuth }
  if (!auth) throw new ConfigurationError('getAuth(req) requires auth.requireAuth before this handler')
  return auth
}
