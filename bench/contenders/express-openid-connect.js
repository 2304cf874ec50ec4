import express from 'express'
import oidc from 'express-openid-connect'
import { openIoredis } from './redis-clients.js'
import { serve } from './serve.js'
import { settings, tailOf } from './settings.js'

await serve((baseURL) => {
  const app = express()
  app.use(
    oidc.auth({
      baseURL,
      issuerBaseURL: settings.issuer,
      clientID: settings.clientId,
      clientSecret: settings.clientSecret,
      secret: settings.sessionSecret,
      authRequired: false,
      errorOnRequiredAuth: true,
      authorizationParams: { response_type: 'code', scope: settings.scope },
      ...(settings.variant.includes('redis') && { session: { store: redisStore() } }),
    }),
  )
  app.get('/me', oidc.requiresAuth(), (req, res) => {
    res.json({ sub: req.oidc.user.sub })
  })
  app.get('/token', oidc.requiresAuth(), async (req, res) => {
    let { accessToken } = req.oidc
    if (accessToken.isExpired()) accessToken = await accessToken.refresh()
    res.json({ tail: tailOf(accessToken.access_token) })
  })
  app.use((err, _req, res, _next) => {
    res.status(err.status ?? 500).json({ error: err.message })
  })
  return app
})

function redisStore() {
  const redis = openIoredis()
  const keyOf = (id) => `bench:oidc:${id}`
  return {
    get: async (id) => {
      const blob = await redis.get(keyOf(id))
      return blob === null ? undefined : JSON.parse(blob)
    },
    set: async (id, session) => {
      await redis.set(keyOf(id), JSON.stringify(session), 'PX', Math.round(session.cookie.maxAge))
    },
    destroy: async (id) => {
      await redis.del(keyOf(id))
    },
  }
}
