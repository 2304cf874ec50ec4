import express from 'express'
import { createRopgAuth } from 'express-auth0-ropg'

// Settings come from AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET, SESSION_SECRET and REDIS_URL.
export const auth = createRopgAuth()
const app = express()

app.use('/api/auth', auth.router)

app.get('/api/profile', auth.requireAuth, (req, res) => {
  res.json({ email: req.auth.user.email })
})

// Changing where money goes requires a login within the last five minutes.
const recently = auth.requireRecentLogin({ maxAge: 300 })

app.put('/api/bank-account', auth.requireAuth, recently, express.json(), (req, res) => {
  const { iban } = req.body as { iban?: string }
  res.json({ iban, changedBy: req.auth.sub, confirmedAt: req.auth.authenticatedAt })
})

export const server = app.listen(process.env.PORT ?? 3000)
