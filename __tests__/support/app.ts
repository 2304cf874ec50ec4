import { afterEach } from '@jest/globals'
import express, { type Express, type RequestHandler } from 'express'
import request from 'supertest'
import { type AuthEvent, createRopgAuth, type RopgAuth, type RopgAuthOptions, type Seams } from '../../lib/index.ts'
import { type Auth0Emulator, type EmulatorOptions, startAuth0Emulator } from '../../lib/testing/index.ts'
import { testRedisUrl, uniquePrefix } from './redis.ts'

export const ada = { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' }
export const secret = 'a-secret-that-is-used-in-tests-only'

export interface TestApp {
  app: Express
  auth: RopgAuth
  emulator: Auth0Emulator
  /** Events so far. */
  events: AuthEvent[]
  /** Log lines so far, as JSON. */
  logged: string[]
  prefix: string
  /** Keeps cookies. */
  agent(): ReturnType<typeof request.agent>
  /** Logs in without storing cookies. */
  login(body?: object): request.Test
}

export interface TestAppOptions {
  /** Merged into the defaults: emulator, test Redis, no rate limit, and a logger that collects lines. */
  options?: RopgAuthOptions
  /** Default 'redis'. */
  store?: 'redis' | 'memory'
  emulator?: EmulatorOptions | Auth0Emulator
  seams?: Seams
  /** Runs before the router is mounted at /auth. */
  before?: (app: Express, auth: RopgAuth) => void
  /** Runs after the router is mounted. GET /me, behind requireAuth, always exists. */
  after?: (app: Express, auth: RopgAuth) => void
}

const running: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()))
})

/** Starts an app, an instance, and an emulator that are closed after the test. */
export async function startApp(settings: TestAppOptions = {}): Promise<TestApp> {
  const emulator = isEmulator(settings.emulator) ? settings.emulator : await startAuth0Emulator(settings.emulator)
  const events: AuthEvent[] = []
  const logged: string[] = []
  const prefix = settings.options?.session?.prefix ?? uniquePrefix()
  const auth = createRopgAuth(optionsFor({ ...settings, emulator }, { events, logged, prefix }), settings.seams)
  const app = express()
  settings.before?.(app, auth)
  if (settings.options?.onError) app.use('/auth', answersItself)
  app.use('/auth', auth.router)
  app.get('/me', auth.requireAuth, (req, res) => {
    res.json({ sub: req.auth.sub, user: req.auth.user, sessionId: req.auth.sessionId })
  })
  settings.after?.(app, auth)
  running.push(async () => {
    await auth.close()
    if (!isEmulator(settings.emulator)) await emulator.close()
  })
  return {
    app,
    auth,
    emulator,
    events,
    logged,
    prefix,
    agent: () => request.agent(app),
    login: (body = { email: ada.email, password: ada.password }) => request(app).post('/auth/login').send(body),
  }
}

/** The app's own responses need not match openapi.json. */
export const answersItself: RequestHandler = (_req, res, next) => {
  res.set('X-App', 'yes')
  next()
}

interface Collected {
  events: AuthEvent[]
  logged: string[]
  prefix: string
}

function optionsFor(
  { options = {}, store = 'redis', emulator }: TestAppOptions & { emulator: Auth0Emulator },
  { events, logged, prefix }: Collected,
): RopgAuthOptions {
  const line = (level: string) => (fields: object, message: string) => {
    logged.push(JSON.stringify({ level, message, ...fields }))
  }
  return {
    domain: emulator.domain,
    clientId: emulator.clientId,
    clientSecret: emulator.clientSecret,
    rateLimit: false,
    logger: { info: line('info'), warn: line('warn'), error: line('error') },
    onEvent: (event) => events.push(event),
    ...(store === 'redis' && { redis: testRedisUrl() }),
    ...options,
    session: { secret, prefix, ...options.session },
  }
}

function isEmulator(given: EmulatorOptions | Auth0Emulator | undefined): given is Auth0Emulator {
  return given !== undefined && 'close' in given
}
