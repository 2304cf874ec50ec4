import { createHash } from 'node:crypto'
import express, { type RequestHandler } from 'express'
import { AuthError, createRopgAuth } from 'express-auth0-ropg'

// Who logs in on Auth0's own page. In your app, these come from a feature flag or a table.
export const moved = {
  realms: new Set<string>(),
  percent: 0,
  users: new Set(['grace@example.com']),
}

// Settings come from AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET, SESSION_SECRET and REDIS_URL.
export const auth = createRopgAuth({
  allowedRealms: ['Username-Password-Authentication', 'customers'],
  interactive: { baseUrl: process.env.BASE_URL ?? 'http://localhost:3000' },
})
const app = express()

function hasMoved(name: string, realm: string): boolean {
  // A hash, so that the same users move on every process and stay moved when the percentage grows.
  const bucket = createHash('sha256').update(name).digest().readUInt32BE() % 100
  return moved.realms.has(realm) || moved.users.has(name) || bucket < moved.percent
}

const textOf = (value: unknown) => (typeof value === 'string' ? value.trim() : '')

const sendMovedUsersToAuth0: RequestHandler = (req, res, next) => {
  const { email, username, realm } = (req.body ?? {}) as Record<string, unknown>
  const name = textOf(email) || textOf(username)
  const connection = textOf(realm)
  if (!name || !hasMoved(name.toLowerCase(), connection)) {
    next()
    return
  }
  const query = new URLSearchParams({ login_hint: name, ...(connection && { connection }) })
  const refusal = new AuthError('interaction_required', { body: { login_url: `/api/auth/login?${query.toString()}` } })
  res.status(refusal.status).set('Cache-Control', 'no-store').json(refusal)
}

// Before the router, which uses the body that is parsed here.
const parseBody = [express.json({ limit: '10kb' }), express.urlencoded({ limit: '10kb', extended: false })]
app.post('/api/auth/login', parseBody, sendMovedUsersToAuth0)
app.use('/api/auth', auth.router)

app.get('/api/me', auth.requireAuth, (req, res) => {
  res.json({ sub: req.auth.sub, email: req.auth.user.email })
})

export const server = app.listen(process.env.PORT ?? 3000)
