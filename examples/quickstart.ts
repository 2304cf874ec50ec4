import { pathToFileURL } from 'node:url'
import express from 'express'
import { createRopgAuth } from 'express-auth0-ropg'

// Settings come from AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET, SESSION_SECRET and REDIS_URL.
export const auth = createRopgAuth({ recoveryUrl: '/forgot-password' })
export const app = express()

app.use('/api/auth', auth.router)

app.get('/api/me', auth.requireAuth, (req, res) => {
  res.json({ sub: req.auth.sub, since: req.auth.authenticatedAt })
})

app.get('/api/upstream', auth.requireAuth, async (req, res) => {
  const { accessToken, expiresAt } = await req.auth.getAccessToken()
  // Call your API with the token here. The browser never needs it.
  res.json({ bytes: accessToken.length, expiresAt })
})

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = app.listen(3000, () => {
    console.log('http://localhost:3000')
  })
  process.once('SIGTERM', () => {
    server.close(() => void auth.close())
  })
}
