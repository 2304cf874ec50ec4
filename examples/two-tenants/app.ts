import express from 'express'
import { createRopgAuth } from 'express-auth0-ropg'

// A cookie name of its own for each, so that a user can be logged in to both. Each accepts only its own sessions, even if
// both use the same Redis and the same secret.
export const acme = createRopgAuth({ session: { cookie: { name: 'acme' } } })

export const globex = createRopgAuth({
  domain: process.env.GLOBEX_AUTH0_DOMAIN,
  clientId: process.env.GLOBEX_AUTH0_CLIENT_ID,
  clientSecret: process.env.GLOBEX_AUTH0_CLIENT_SECRET,
  session: { cookie: { name: 'globex' } },
})

const app = express()

for (const [tenant, auth] of Object.entries({ acme, globex })) {
  app.use(`/${tenant}/auth`, auth.router)

  app.get(`/${tenant}/me`, auth.requireAuth, (req, res) => {
    res.json({ tenant, sub: req.auth.sub, name: req.auth.user.name })
  })
}

export const server = app.listen(process.env.PORT ?? 3000)
