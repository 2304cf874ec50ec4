import express from 'express'
import { createRopgAuth } from 'express-auth0-ropg'

// Settings come from AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET, SESSION_SECRET and REDIS_URL.
export const auth = createRopgAuth()
const app = express()

app.use('/api/auth', auth.router) // POST /login, POST /logout, GET /user

app.get('/api/me', auth.requireAuth, (req, res) => {
  res.json({ sub: req.auth.sub, name: req.auth.user.name })
})

export const server = app.listen(process.env.PORT ?? 3000)
