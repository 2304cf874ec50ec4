import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { promisify } from 'node:util'
import { openGrant } from './grants.js'
import { keepInSession, loginRoute } from './login-session.js'
import { openStore } from './redis-clients.js'
import { serve } from './serve.js'
import { IDLE_SECONDS, settings, tailOf } from './settings.js'

const { variant, sessionSecret } = settings
const withPassport = variant.includes('passport')

await serve(async () => {
  const app = express()
  app.use(
    session({
      store: await openStore(variant, `bench:${variant.join('-')}:`),
      secret: sessionSecret,
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', maxAge: IDLE_SECONDS * 1000 },
    }),
  )
  if (withPassport) usePassport(app)
  const keep = withPassport ? keepWithPassport : keepInSession
  app.post('/api/auth/login', express.json(), loginRoute(await openGrant(variant), keep))
  app.get('/me', withPassport ? passportGuard : sessionGuard, (req, res) => {
    res.json({ sub: withPassport ? req.user.sub : req.session.user.sub })
  })
  app.get('/token', sessionGuard, (req, res) => {
    const { access_token, expires_at } = req.session.tokens
    if (expires_at * 1000 > Date.now()) res.json({ tail: tailOf(access_token) })
    else res.status(401).json({ error: 'token_expired' })
  })
  return app
})

function sessionGuard(req, res, next) {
  if (req.session.user) next()
  else res.status(401).json({ error: 'unauthenticated' })
}

function passportGuard(req, res, next) {
  if (req.isAuthenticated()) next()
  else res.status(401).json({ error: 'unauthenticated' })
}

function usePassport(app) {
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user, done) => done(null, user))
  app.use(passport.session())
}

/** passport regenerates the session itself. */
async function keepWithPassport(req, { user, tokens }) {
  await promisify(req.logIn.bind(req))(user)
  req.session.tokens = tokens
}
