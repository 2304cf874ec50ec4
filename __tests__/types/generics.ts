/** Explicit type arguments of a route rule out inference; `req.auth` is still set behind the guard. */
import express, { Router } from 'express'
import { auth, takes } from './auth.ts'

const app = express()
const router = Router()

interface PostParams {
  id: string
}
interface Post {
  title: string
}

app.get<{ id: string }>('/x/:id', auth.requireAuth, (req) => req.params.id + req.auth.sub)
app.post<PostParams, Post, Post, { draft?: string }>('/x/:id', auth.requireAuth, (req, res) => {
  takes.text(req.auth.sub)
  takes.text(req.params.id)
  takes.text(req.query.draft ?? '')
  res.json({ title: req.body.title })
  // @ts-expect-error -- not what the route answers
  res.json({ name: req.body.title })
})
app.put<PostParams>('/x/:id', auth.requireAuth, auth.requireScope('a'), (req) => req.params.id + req.auth.sub)
app.patch<PostParams>('/x/:id', auth.requireAuth, auth.requirePermission('a'), async (req, res, next) => {
  const { accessToken } = await req.auth.getAccessToken()
  if (accessToken) res.json(req.params.id)
  else next()
})
app.delete<PostParams>('/x/:id', express.json(), auth.requireAuth, (req) => req.params.id + req.auth.sub)
app.all<PostParams>('/x/:id', [auth.requireAuth, auth.requireScope('a')], (req) => req.params.id + req.auth.sub)
app.use<PostParams>('/x/:id', auth.requireAuth, (req, _res, next) => {
  takes.text(req.params.id + req.auth.sub)
  next()
})

router.get<PostParams>('/x/:id', auth.requireAuth, (req) => req.params.id + req.auth.sub)
router.get<PostParams, unknown, unknown, unknown, { trace: string }>('/x/:id', auth.requireAuth, (req, res) => {
  takes.text(res.locals.trace + req.auth.sub)
})
router.get<PostParams>(['/a/:id', '/b/:id'], auth.requireAuth, (req) => req.params.id + req.auth.sub)
router
  .route('/x/:id')
  .get<PostParams>(auth.requireAuth, (req) => req.params.id + req.auth.sub)
  .post<PostParams, Post>(auth.requireAuth, (req, res) => res.json({ title: req.auth.sub + req.params.id }))

app.get<PostParams>('/x/:id', (req) => {
  takes.text(req.params.id)
  // @ts-expect-error -- no guard
  return req.auth.sub
})
app.get<PostParams>('/x/:id', express.json(), (req) => {
  // @ts-expect-error -- no guard
  return req.auth.sub
})
app.get<PostParams>('/x/:id', auth.requireAuth, (req) => {
  // @ts-expect-error -- not a parameter of this route
  return req.params.comment
})
