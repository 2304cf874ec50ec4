import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { AuthError, createRopgAuth, type RopgAuth, type RopgAuthOptions } from '../../lib/index.ts'
import { type Auth0Emulator, signIn } from '../../lib/testing/index.ts'
import { ada, secret } from '../support/app.ts'
import { compareSent } from '../support/openapi.ts'
import { uniquePrefix } from '../support/redis.ts'
import { RawClient } from './raw-client.ts'

/** Valid cookies, which requests send unchanged or damaged. */
export interface Cookies {
  live: string
  ended: string
  mfa: string
  interactive: string
}

export interface Site {
  name: string
  client: RawClient
  server: Server
  emulator: Auth0Emulator
  cookies: Cookies
  /**
   * Errors in the app's error handler that are not an `AuthError` and come from the router or have status 500, and
   * responses that openapi.json does not describe.
   */
  bugs: string[]
  /** Output of the logger and `onEvent` for the latest requests. */
  told: string[]
  /** Replaces cookies of ended sessions and clears the emulator's recorded requests. */
  renew: () => Promise<void>
  close: () => Promise<void>
}

/** Has a second factor. */
export const grace = { email: 'grace@example.com', password: 'a different horse battery', name: 'Grace', mfa: true }

const EVERYTHING: RopgAuthOptions = {
  mfa: 'api',
  interactive: { baseUrl: 'https://app.example.com' },
  ...{ signup: true, passwordReset: true, backchannelLogout: true },
  allowedOrigins: ['https://front.example.com'],
  recoveryUrl: '/recover',
}

const WIDE = { limit: 1_000_000, windowMs: 1_000 }

/** Configurations with different request handling. */
export const SITES: Record<string, RopgAuthOptions> = {
  'JSON only, everything on': EVERYTHING,
  'pages, everything on, with limits': {
    ...EVERYTHING,
    pages: { login: '/enter', afterLogin: '/home', afterLogout: '/bye' },
    rateLimit: { subnet: WIDE, attempts: WIDE, account: WIDE, mfa: WIDE, signup: WIDE, reset: WIDE },
  },
  'defaults, everything off': {},
}

export interface SiteParts {
  emulator: Auth0Emulator
  /** Redis URL. Default: the in-process store. */
  redis?: string
}

export async function startSite(name: string, { emulator, redis }: SiteParts): Promise<Site> {
  const told: string[] = []
  const bugs: string[] = []
  const auth = createRopgAuth({
    domain: emulator.domain,
    clientId: emulator.clientId,
    clientSecret: emulator.clientSecret,
    session: { secret, prefix: uniquePrefix('fuzz') },
    ...(redis !== undefined && { redis }),
    rateLimit: false,
    logger: loggerInto(told),
    onEvent: (event) => told.push(JSON.stringify(event)),
    ...SITES[name],
  })
  const app = createApp(auth, bugs)
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const cookies = await newCookies(app, auth, port)
  return {
    ...{ name, client: new RawClient(port), server, emulator, cookies, bugs, told },
    renew: async () => {
      emulator.resetCounters()
      emulator.requests.length = 0
      Object.assign(cookies, await newCookies(app, auth, port))
    },
    close: async () => {
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
      await auth.close()
    },
  }
}

function loggerInto(told: string[]) {
  const line = (fields: object, message: string) => void told.push(`${message} ${JSON.stringify(fields)}`)
  return { info: line, warn: line, error: line }
}

function createApp(auth: RopgAuth, bugs: string[]): Express {
  const app = express()
  app.set('trust proxy', 'loopback')
  app.use('/auth', (req, res, next) => {
    compareSent({ req, res, path: req.path }, (problem) => bugs.push(problem))
    next()
  })
  app.use('/auth', auth.router)
  addGuarded(app, auth)
  app.use((_req, res) => void res.status(404).set('X-App', 'yes').json({ app: true }))
  app.use(answerErrors(bugs))
  return app
}

/** All guards, and the functions that apps call directly. */
function addGuarded(app: Express, auth: RopgAuth): void {
  const answer: express.RequestHandler = (req, res) => void res.set('X-App', 'yes').json({ sub: req.auth?.sub })
  app.all('/me', auth.requireAuth, answer)
  app.all('/maybe', auth.optionalAuth, answer)
  app.all('/scope', auth.requireAuth, auth.requireScope('read:posts'), answer)
  app.all('/claim', auth.requireAuth, auth.requireClaim('role', 'admin'), answer)
  app.all('/permission', auth.requireAuth, auth.requirePermission('read:posts'), answer)
  app.all('/recent', auth.requireAuth, auth.requireRecentLogin({ maxAge: 300 }), answer)
  app.all('/session', auth.session, (req, res, next) => {
    req.session.visits = (req.session.visits ?? 0) + 1
    answer(req, res, next)
  })
  app.all('/any', (req, res, next) => {
    auth.authenticate(req).then(() => answer(req, res, next), next)
  })
  app.all('/token', auth.requireAuth, (req, res, next) => {
    const { audience, scope } = req.query as Record<string, string>
    req.auth.getAccessToken({ audience, scope }).then(() => answer(req, res, next), next)
  })
  app.all('/own-login', express.json({ limit: '10kb' }), (req, res, next) => {
    auth.login(req, req.body).then(() => answer(req, res, next), next)
  })
}

/** A typical error handler of an app. */
function answerErrors(bugs: string[]): ErrorRequestHandler {
  return (err: { status?: number; name?: string; stack?: string }, req, res, next) => {
    const status = err.status ?? 500
    const isOurs = /^\/auth\b/i.test(req.path)
    if (!(err instanceof AuthError) && (isOurs || status >= 500)) bugs.push(err.stack ?? 'what is no Error')
    if (res.headersSent) next(err)
    else if (err instanceof AuthError) res.status(status).set('Cache-Control', 'no-store').json(err)
    else res.status(status).set('X-App', 'yes').json({ app: err.name })
  }
}

async function newCookies(app: Express, auth: RopgAuth, port: number): Promise<Cookies> {
  const base = `http://127.0.0.1:${port}/auth`
  const begun = await fetch(`${base}/login`, { redirect: 'manual' })
  const body = JSON.stringify({ email: grace.email, password: grace.password })
  const asked = await fetch(`${base}/login`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  const ended = await signIn(app, auth, { sub: 'auth0|ended' })
  await fetch(`${base}/logout`, { method: 'POST', headers: { cookie: ended } })
  const live = await signIn(app, auth, { sub: 'auth0|fuzz' })
  return { live, ended, mfa: cookieOf(asked), interactive: cookieOf(begun) }
}

const cookieOf = ({ headers }: Response) => headers.getSetCookie()[0]?.split(';')[0] ?? 'auth=none'

export const users = [ada, grace]

declare module 'express-session' {
  interface SessionData {
    visits?: number
  }
}
