/**
 * Compiled twice, with the types of Express 5 (tsconfig.json) and with those of Express 4 (tsconfig.express4.json);
 * never run. A guard in front of a handler makes `req.auth` surely there.
 */
import express, { Router, type RequestHandler } from 'express'
import type { RequestAuth } from 'express-auth0-ropg'
import { auth, takes } from './auth.ts'

const app = express()

// A plain route.
app.get('/me', auth.requireAuth, (req) => req.auth.sub)
app.get('/me', auth.requireAuth, (req, res) => {
  const shown: RequestAuth = req.auth
  takes.text(req.auth.sub)
  takes.date(req.auth.authenticatedAt)
  res.json({ user: shown.user, sessionId: req.auth.sessionId })
})

// Its parameters, its body and its query stay usable.
app.get('/posts/:id/comments/:comment', auth.requireAuth, (req) => {
  const { id, comment }: { id: string; comment: string } = req.params
  return [req.auth.sub, id, comment]
})
app.post('/posts', auth.requireAuth, express.json(), (req, res) => {
  const { title } = req.body as { title: string }
  res.status(201).json({ title, author: req.auth.sub, draft: req.query.draft })
})

// Every method, and all of them.
app.put('/posts/:id', auth.requireAuth, (req) => req.auth.sub)
app.patch('/posts/:id', auth.requireAuth, (req) => req.auth.sub)
app.delete('/posts/:id', auth.requireAuth, (req) => req.auth.sub)
app.all('/posts/:id', auth.requireAuth, (req) => req.auth.sub)
app
  .route('/route')
  .all(auth.requireAuth)
  .get(auth.requireScope('read:posts'), (_req, res) => res.end())

// Routes that are built first.
app
  .route('/posts/:id')
  .all(auth.requireAuth, (req, _res, next) => {
    takes.text(req.auth.sub + req.params.id)
    next()
  })
  .get(auth.requireAuth, (req) => req.auth.sub + req.params.id)
  .post(auth.requireAuth, express.json(), (req) => req.auth.sub + req.params.id)
  .put(other(), auth.requireAuth, auth.requireScope('write:posts'), (req) => req.auth.sub)
  .patch(auth.requireAuth, async (req) => Promise.resolve(req.auth.sub))
  .delete(auth.requireAuth, (req) => req.auth.sub)

// Asynchronous handlers, and `next`.
app.get('/token', auth.requireAuth, async (req, res) => {
  const { accessToken, expiresAt } = await req.auth.getAccessToken({
    audience: 'https://api.example.com',
    scope: 'read',
  })
  takes.text(accessToken)
  takes.number(expiresAt)
  res.json({ length: accessToken.length })
})
app.get('/next', auth.requireAuth, (req, _res, next) => {
  if (req.auth.user.email === undefined) next('route')
  else next()
})
app.post('/leave', auth.requireAuth, async (req, res) => {
  await req.auth.logout()
  res.sendStatus(204)
})

// Behind further guards.
app.get('/scoped', auth.requireAuth, auth.requireScope('read:posts', 'write:posts'), (req) => req.auth.sub)
app.get('/session', auth.session, auth.requireAuth, auth.requireScope('read:posts'), (req) => req.auth.sub)

app.get('/claim', auth.requireAuth, auth.requireClaim('https://example.com/roles', 'admin'), (req) => req.auth.sub)
app.get('/claim', auth.requireAuth, auth.requireClaim('email_verified', true), (req) => req.auth.sub)
app.get('/claim', auth.requireAuth, auth.requireClaim('role', ['admin', 'owner']), (req) => req.auth.sub)
app.get(
  '/claim',
  auth.requireAuth,
  auth.requireClaim('email', (email) => email?.endsWith('@example.com') === true),
  (req) => req.auth.sub,
)
app.get('/permission', auth.requireAuth, auth.requirePermission('read:posts', 'write:posts'), (req) => req.auth.sub)
app.get('/recent', auth.requireAuth, auth.requireRecentLogin({ maxAge: 300 }), (req) => req.auth.sub)

// Middleware of others before, between and after.
app.get('/between', other(), auth.requireAuth, other(), (req) => req.auth.sub)
app.get('/late', other(), express.json(), other(), auth.requireAuth, other(), other(), (req) => req.auth.sub)
app.get(
  '/inline',
  (_req, _res, next) => {
    next()
  },
  auth.requireAuth,
  (req, _res, next) => {
    takes.text(req.auth.sub)
    next()
  },
  (req) => req.auth.sub,
)

// Lists and patterns of paths.
app.get(['/one', '/two'], auth.requireAuth, (req) => req.auth.sub)
app.get(/^\/any/, auth.requireAuth, (req) => req.auth.sub)

// Routers, and whole applications behind the guard.
const router = Router()
router.get('/me', auth.requireAuth, (req) => req.auth.sub)
router.get('/posts/:id', auth.requireAuth, async (req) => Promise.resolve([req.auth.sub, req.params.id]))
router.use(auth.requireAuth)
router.use('/posts', auth.requireAuth, (req, _res, next) => {
  takes.text(req.auth.sub)
  next()
})
app.use('/api', auth.requireAuth, router)
app.use('/api/auth', auth.router)
app.use(auth.session)
app.use(auth.requireAuth)
app.use('/private', auth.requireAuth, (req, res) => {
  res.json(req.auth.user)
})

// Beyond the handler that has the guard in front of it, `req.auth` may be missing.
app.get('/open', (req) => {
  // @ts-expect-error -- nobody need be logged in here
  return req.auth.sub
})
app.get('/only-scope', auth.requireScope('read:posts'), (req) => {
  // @ts-expect-error -- requireScope does not log anybody in
  return req.auth.sub
})
app.get('/optional', auth.optionalAuth, (req) => req.auth?.sub)
app.get('/optional', auth.optionalAuth, (req) => {
  // @ts-expect-error -- nobody need be logged in here
  return req.auth.sub
})
router.get('/behind-use', (req) => req.auth?.sub)

// @ts-expect-error -- nobody writes a user into a request by hand
app.get('/readonly', auth.requireAuth, (req) => (req.auth.sub = 'auth0|1'))

// A handler of one's own, typed apart from its route.
const handler: RequestHandler = (req, res) => {
  res.json({ sub: req.auth?.sub })
}
app.get('/handler', auth.requireAuth, handler)

// A login route of one's own.
app.post('/sign-in', express.json(), async (req, res) => {
  const { user, sub, expiresAt } = await auth.login(req, { username: 'ada', password: 'secret', rememberMe: true })
  takes.text(sub)
  takes.date(expiresAt)
  res.json({ name: user.name })
})
app.post('/sign-out', async (req, res) => {
  await auth.logout(req)
  res.sendStatus(204)
})

function other(): RequestHandler {
  return (_req, _res, next) => {
    next()
  }
}
