import { randomBytes } from 'node:crypto'
import express from 'express'
import { openGrant } from './grants.js'
import { contentOf } from './login-session.js'
import { openIoredis } from './redis-clients.js'
import { serve } from './serve.js'
import { IDLE_SECONDS, settings, tailOf } from './settings.js'

const PREFIX = 'bench:floor:'

await serve(settings.variant.includes('redis-get') ? oneGet : noAuthentication)

function noAuthentication() {
  const app = express()
  app.get('/me', (_req, res) => {
    res.json({ sub: 'nobody' })
  })
  return app
}

/** Lower bound for a session in Redis: the unsigned cookie is the key. */
async function oneGet() {
  const redis = openIoredis()
  const grantPassword = await openGrant([])
  const app = express()
  app.post('/api/auth/login', express.json(), async (req, res) => {
    const grant = await grantPassword(req.body.email, req.body.password, req.ip)
    const id = randomBytes(24).toString('base64url')
    await redis.set(PREFIX + id, JSON.stringify({ cookie: {}, ...contentOf(grant) }), 'EX', IDLE_SECONDS)
    res.cookie('id', id).json({ success: true })
  })
  const withSession = (answer) => async (req, res) => {
    const blob = await redis.get(PREFIX + (req.headers.cookie ?? '').slice('id='.length))
    if (blob === null) res.status(401).json({ error: 'unauthenticated' })
    else res.json(answer(JSON.parse(blob)))
  }
  app.get(
    '/me',
    withSession(({ user }) => ({ sub: user.sub })),
  )
  app.get(
    '/token',
    withSession(({ tokens }) => ({ tail: tailOf(tokens.access_token) })),
  )
  return app
}
