/** Guards in lists, written in place or named. */
import express, { Router, type RequestHandler } from 'express'
import { auth, takes } from './auth.ts'

const app = express()
const router = Router()
const other: RequestHandler = (_req, _res, next) => {
  next()
}

app.get('/x', [auth.requireAuth, auth.requireScope('a')], (req) => req.auth.sub)
app.get('/x', [auth.requireAuth], (req, res) => res.json(req.auth.user))
app.get('/x/:id', [auth.requireAuth, auth.requirePermission('a')], (req) => req.params.id + req.auth.sub)
app.get('/x', [express.json(), auth.requireAuth], (req) => req.auth.sub)
app.get('/x', other, [other, auth.requireAuth, auth.requireRecentLogin({ maxAge: 60 })], other, (req) => req.auth.sub)
app.get('/x', auth.requireAuth, [other, auth.requireScope('a')], (req) => req.auth.sub)
app.get('/x', [auth.requireAuth], [auth.requireClaim('role', 'admin')], async (req, res) => {
  await req.auth.logout()
  res.end()
})
app.post('/x', [auth.requireAuth, auth.requireScope('a')], (req, _res, next) => {
  takes.text(req.auth.sub)
  next()
})
app.use('/x', [auth.requireAuth, auth.requireScope('a')], (req, _res, next) => {
  takes.text(req.auth.sub)
  next()
})
app.use([auth.requireAuth, auth.requireScope('a')], (req, _res, next) => {
  takes.text(req.auth.sub)
  next()
})
app.use('/x', [auth.requireAuth, auth.requireScope('a')], router)
app.get(['/x', '/y'], [auth.requireAuth, auth.requireScope('a')], (req) => req.auth.sub)
app.get(/^\/x/, [auth.requireAuth, auth.requireScope('a')], (req) => req.auth.sub)
router.get('/x', [auth.requireAuth, auth.requireScope('a')], (req) => req.auth.sub)
router.use([auth.requireAuth])
router.route('/x/:id').get([auth.requireAuth, auth.requireScope('a')], (req) => req.params.id + req.auth.sub)
// The last handler in the list.
app.get('/x', [auth.requireAuth, auth.requireScope('a'), other])

// Named lists.
const admins = [auth.requireAuth, auth.requireScope('a')]
app.get('/x', admins, (req) => req.auth.sub)
const fixed = [auth.requireAuth, auth.requireScope('a')] as const
app.get('/x', fixed, (req) => req.auth.sub)
app.get('/x', ...fixed, (req) => req.auth.sub)
const guards: RequestHandler[] = [auth.requireAuth, auth.requireScope('a'), auth.optionalAuth, auth.session]
app.get('/x', guards, (req) => req.auth?.sub)
app.get('/x', ...guards, (req) => req.auth?.sub)
app.use(guards)

app.get('/x', [other, auth.requireScope('a')], (req) => {
  // @ts-expect-error -- no requireAuth in the list
  return req.auth.sub
})
app.get('/x', guards, (req) => {
  // @ts-expect-error -- the list does not say what is in it
  return req.auth.sub
})
