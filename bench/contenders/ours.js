import express from 'express'
import { auth } from './ours-auth.js'
import { serve } from './serve.js'
import { settings } from './settings.js'

const readsSession = settings.variant.includes('session')

await serve(async () => {
  await auth.ready()
  const app = express()
  app.use('/api/auth', auth.router)
  app.get('/me', auth.requireAuth, readsSession ? answerWithSession : answer)
  return app
})

function answer(req, res) {
  res.json({ sub: req.auth.sub })
}

function answerWithSession(req, res) {
  res.json({ sub: req.auth.sub, cart: req.session.cart })
}
