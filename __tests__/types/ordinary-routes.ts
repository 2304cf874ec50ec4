/** Routes without a guard are typed as Express types them. */
import express, { Router, type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import { auth, takes } from './auth.ts'

const app = express()
const router = Router({ mergeParams: true })

app.get('/posts/:id', (req, res) => {
  takes.text(req.params.id)
  // @ts-expect-error -- not a parameter of this route
  takes.text(req.params.comment)
  res.json(req.query.page)
})
app.get(['/a', '/b'], (req, res) => res.json(req.path))
app.get(/^\/(?<name>\w+)/, (req) => {
  takes.text(req.params.name ?? '')
})
app.get(/^\/(?<name>\w+)/, auth.requireAuth, (req) => {
  takes.text(req.params.name ?? '')
  takes.text(req.auth.sub)
})
app.post<{ id: string }, { ok: boolean }, { title: string }>('/posts/:id', express.json(), (req, res) => {
  takes.text(req.body.title)
  takes.text(req.params.id)
  // @ts-expect-error -- not what the route answers
  res.json({ ok: 'yes' })
})
app.get<Record<string, never>, unknown, unknown, { q: string }, { trace: string }>('/search', (req, res) => {
  takes.text(req.query.q)
  takes.text(res.locals.trace)
  // @ts-expect-error -- not declared
  takes.text(res.locals.user)
})
app.route('/posts/:id').get((req, res) => {
  takes.text(req.params.id)
  res.end()
})

// Errors, routers, settings, and whole apps.
app.use((err: Error, _req: Request, res: Response, next: NextFunction) => {
  if (res.headersSent) next(err)
  else res.status(500).json({ message: err.message })
})
app.use('/api', (err: Error, _req: Request, res: Response, _next: NextFunction) => res.status(500).end(err.message))
app.use(express.json(), express.urlencoded({ extended: false }))
app.use('/static', express.static('public'))
app.use('/router', router, auth.router)
app.use('/app', express())
app.use((req, _res, next) => {
  takes.text(req.path)
  next()
})
router.use('/:id', (req, _res, next) => {
  takes.text(req.params.id)
  next()
})
export const setting: unknown = app.get('trust proxy')

const handlers: RequestHandler[] = []
app.get('/list', handlers)
app.get('/list', handlers, (req, res) => res.json(req.path))

// @ts-expect-error -- not a handler
app.get('/wrong', 'handler')
// @ts-expect-error -- not a handler
app.use({ path: '/wrong' })
// @ts-expect-error -- that request has no user
app.get('/wrong', (req: Request & { user: { id: string } }, res: Response) => res.json(req.user.id))
