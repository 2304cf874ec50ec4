/** Handlers and routers that are written apart from their guard. */
import type { IncomingMessage } from 'node:http'
import express, { Router, type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import { getAuth, type AuthenticatedRequest, type RequestAuth } from 'express-auth0-ropg'
import { auth, takes } from './auth.ts'

const app = express()

const show = (req: AuthenticatedRequest, res: Response) => {
  takes.text(req.auth.sub)
  takes.text(req.get('host') ?? '')
  res.json(req.auth.user)
}
async function rename(req: AuthenticatedRequest<{ id: string }>, res: Response, next: NextFunction): Promise<void> {
  const { accessToken } = await req.auth.getAccessToken()
  if (accessToken) res.json({ id: req.params.id })
  else next()
}
interface Post {
  title: string
}
const store = (
  req: AuthenticatedRequest<{ id: string }, Post, Post, { draft?: string }, { trace: string }>,
  res: Response<Post, { trace: string }>,
) => {
  takes.text(req.params.id + req.body.title + (req.query.draft ?? '') + res.locals.trace + req.auth.sub)
  res.json(req.body)
}

app.get('/x', auth.requireAuth, show)
app.get('/x/:id', auth.requireAuth, show)
app.get('/x', auth.requireAuth, auth.requireScope('a'), show)
app.get('/x', [auth.requireAuth, auth.requireScope('a')], show)
app.get('/x/:id', auth.requireAuth, rename)
app.get<{ id: string }>('/x/:id', auth.requireAuth, rename)
app.post('/x/:id', auth.requireAuth, store)
app.post('/x/:id', express.json(), auth.requireAuth, store)
app.route('/x/:id').get(auth.requireAuth, show).put(auth.requireAuth, rename)
app.use('/x', auth.requireAuth, show)

// Routers behind `use`.
const router = Router()
router.use(auth.requireAuth)
router.get('/x', show)
router.get('/x/:id', rename)
router.get('/x', auth.requireScope('a'), show)
router.get('/x', [auth.requireScope('a')], show)
router.get('/x', (req: AuthenticatedRequest, res: Response) => res.json(req.auth.sub))
router.route('/x/:id').get(show).put(rename)
router.use(show)
router.get('/x', (req, res) => {
  const { sub, user }: RequestAuth = getAuth(req)
  res.json({ sub, user })
})
app.use('/api', router)

// Any request.
const handler: RequestHandler = (req, res) => {
  takes.text(getAuth(req).sub)
  res.end()
}
app.get('/x', auth.requireAuth, handler)
export const ofPlain = (req: IncomingMessage) => getAuth(req).sub
export const ofParams = (req: Request<{ id: string }>) => getAuth(req).sub
export const ofAuthenticated = (req: AuthenticatedRequest<{ id: string }>) => getAuth(req).sub

// @ts-expect-error -- getAuth takes the request
getAuth('/x')

// @ts-expect-error -- a handler for any request may not depend on a guard
export const careless: RequestHandler = (req: AuthenticatedRequest, res: Response) => res.json(req.auth.sub)
