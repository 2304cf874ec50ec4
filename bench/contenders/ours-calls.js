/** For scale.ts: calls of the package, timed within their process. */
import express from 'express'
import { auth } from './ours-auth.js'
import { serve } from './serve.js'
import { tailOf } from './settings.js'

/** Milliseconds per getAccessToken() call. */
let times = []

await serve(createApp, {
  takeTimes: () => {
    const taken = times
    times = []
    return taken
  },
  revokeAll: async ({ sub }) => {
    const begin = performance.now()
    const revoked = await auth.sessions.revokeAll(sub)
    return { revoked, milliseconds: performance.now() - begin }
  },
})

async function createApp() {
  await auth.ready()
  const app = express()
  app.use('/api/auth', auth.router)
  app.get('/me', auth.requireAuth, (req, res) => {
    res.json({ sub: req.auth.sub })
  })
  app.get('/token', auth.requireAuth, async (req, res) => {
    const begin = performance.now()
    const { accessToken } = await req.auth.getAccessToken()
    times.push(performance.now() - begin)
    res.json({ tail: tailOf(accessToken) })
  })
  return app
}
