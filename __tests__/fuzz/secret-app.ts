import express, { type ErrorRequestHandler, type Express } from 'express'
import type { AuthError, RopgAuth, RopgAuthOptions } from '../../lib/index.ts'

type Listeners = Pick<RopgAuthOptions, 'logger' | 'onEvent' | 'onError'>

/** An app that collects everything that operators, error handlers, and listeners get. */
export function secretApp(create: (listeners: Listeners) => RopgAuth): { app: Express; told: unknown[] } {
  const told: unknown[] = []
  const keep = (...values: unknown[]) => void told.push(...values)
  const auth = create({
    logger: { info: keep, warn: keep, error: keep },
    onEvent: keep,
    onError: (err, _req, res) => {
      keep(err)
      res.status(err.status).json(err)
    },
  })
  const app = express()
  app.use('/auth', auth.router)
  app.get('/token', auth.requireAuth, (req, res, next) => {
    req.auth.getAccessToken().then(() => {
      keep(req.auth)
      res.json(req.auth)
    }, next)
  })
  const answer: ErrorRequestHandler = (err: AuthError, _req, res, _next) => {
    keep(err)
    res.status(err.status).json(err)
  }
  app.use(answer)
  return { app, told }
}
