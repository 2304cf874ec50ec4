/** Guards as middleware: for Express, and for what knows only requests and responses of Node. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Request, RequestHandler, Response } from 'express'
import type { AuthMiddleware } from 'express-auth0-ropg'
import { auth } from './auth.ts'

type Connect = (req: IncomingMessage, res: ServerResponse, next: (err?: Error) => void) => void
/** As socket.io declares it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- to the letter
type EngineMiddleware = (req: IncomingMessage, res: ServerResponse, next: (err?: any) => void) => void
declare const engine: { use: (middleware: EngineMiddleware) => void }

engine.use(auth.requireAuth)
engine.use(auth.optionalAuth)

export const ofConnect: Connect[] = [auth.requireAuth, auth.optionalAuth]
export const ofExpress: RequestHandler[] = [
  auth.requireAuth,
  auth.optionalAuth,
  auth.session,
  auth.requireScope('a'),
  auth.requireScope(['a', 'b']),
  auth.requireClaim('role', 'admin'),
  auth.requirePermission('a'),
  auth.requireRecentLogin({ maxAge: 60 }),
]
export const own: AuthMiddleware = auth.requireAuth

createServer((req, res) => {
  auth.requireAuth(req, res, (err) => res.end(String(err)))
}).listen(0)

// Called by a middleware of one's own.
export const wrapped: RequestHandler = (req, res, next) => {
  if (req.path === '/open') next()
  else auth.requireAuth(req, res, next)
}
export const promised = (req: Request<{ id: string }>, res: Response<{ id: string }>) =>
  new Promise((resolve) => {
    auth.requireAuth(req, res, resolve)
  })

// @ts-expect-error -- scopes are strings
auth.requireScope(1)
// @ts-expect-error -- the claim has another type
auth.requireClaim('email_verified', (verified: string) => verified === 'yes')
// @ts-expect-error -- it needs an age
auth.requireRecentLogin({})
// @ts-expect-error -- requireAuth is itself the middleware
auth.requireAuth()
