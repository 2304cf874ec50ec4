import express from 'express'
import { auth } from './ours-auth.js'
import { serve } from './serve.js'
import { settings, tailOf } from './settings.js'

const withSession = settings.variant.includes('session')

await serve(async () => {
  await auth.ready()
  const app = express()
  if (withSession) app.use(auth.session)
  app.use('/api/auth', auth.router)
  if (withSession) app.post('/cart', auth.requireAuth, fillCart)
  app.get('/me', auth.requireAuth, withSession ? answerWithCart : answer)
  app.get('/token', auth.requireAuth, answerWithToken)
  return app
})

function answer(req, res) {
  res.json({ sub: req.auth.sub })
}

function answerWithCart(req, res) {
  res.json({ sub: req.auth.sub, items: req.session.cart.items })
}

function fillCart(req, res) {
  req.session.cart = { items: 3 }
  res.json({ success: true })
}

async function answerWithToken(req, res) {
  const { accessToken } = await req.auth.getAccessToken()
  res.json({ tail: tailOf(accessToken) })
}
