import express from 'express'
import { createRopgAuth } from '../../dist/index.js'
import { serve } from './serve.js'
import { settings } from './settings.js'

const auth = createRopgAuth({
  domain: settings.issuer,
  clientId: settings.clientId,
  clientSecret: settings.clientSecret,
  scope: settings.scope,
  redis: settings.redisUrl,
  // Plain HTTP on loopback, though NODE_ENV is production as for every contender.
  session: { secret: settings.sessionSecret, cookie: { name: 'auth', secure: false } },
  requireHttps: false,
  rateLimit: false,
  logger: false,
})

await serve(async () => {
  await auth.ready()
  const app = express()
  app.use(auth.router)
  if (settings.variant.includes('session')) {
    app.get('/me', auth.requireAuth, (req, res) => {
      res.json({ sub: req.auth.sub, cart: req.session.cart })
    })
  } else {
    app.get('/me', auth.requireAuth, (req, res) => {
      res.json({ sub: req.auth.sub })
    })
  }
  return app
})
