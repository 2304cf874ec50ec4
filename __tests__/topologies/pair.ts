import type { Express } from 'express'
import { setTimeout as wait } from 'node:timers/promises'
import request from 'supertest'
import type { RopgAuth, RopgAuthOptions } from '../../lib/index.ts'
import type { Auth0Emulator, EmulatorOptions } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp } from '../support/app.ts'

export const TOKEN_LIFE = 3600

/** Two instances for one tenant on one store, with an adjustable clock. */
export interface Pair {
  first: TestApp
  second: TestApp
  emulator: Auth0Emulator
  prefix: string
  /** Moves the clock of both instances. */
  advance: (seconds: number) => void
  /** Expires the access tokens of both instances. */
  expireTokens: () => void
  refreshes: () => number
}

export interface PairOptions {
  /** Creates the `redis` option for one instance. */
  redis: () => RopgAuthOptions['redis']
  options?: RopgAuthOptions
  emulator?: EmulatorOptions
  /** More routes for both instances. */
  after?: (app: Express, auth: RopgAuth) => void
}

export async function startPair({ redis, options = {}, emulator = {}, after }: PairOptions): Promise<Pair> {
  let ahead = 0
  const seams = { clock: () => Date.now() + ahead }
  const settings = (given: object, session?: object) => ({
    emulator: given,
    seams,
    options: { ...options, redis: redis(), session: { ...options.session, ...session } } as RopgAuthOptions,
    after: (app: Express, auth: RopgAuth) => {
      addRoutes(app, auth)
      after?.(app, auth)
      app.use(answerWithCode)
    },
  })
  const first = await startApp(settings({ accessTokenTtl: TOKEN_LIFE, ...emulator }))
  const second = await startApp(settings(first.emulator, { prefix: first.prefix }))
  const advance = (seconds: number) => {
    ahead += seconds * 1000
    first.emulator.clock.advance(seconds)
  }
  return {
    ...{ first, second, emulator: first.emulator, prefix: first.prefix, advance },
    expireTokens: () => advance(TOKEN_LIFE),
    refreshes: () => first.emulator.requests.filter(({ grantType }) => grantType === 'refresh_token').length,
  }
}

function addRoutes(app: Express, auth: RopgAuth): void {
  app.get('/token', auth.requireAuth, (req, res, next) => {
    req.auth.getAccessToken().then((token) => res.json(token), next)
  })
  app.post('/note', auth.session, auth.requireAuth, (req, res) => {
    Object.assign(req.session, { note: 'kept' })
    res.json({ noted: true })
  })
}

/** Responds with the code of the error from a handler. */
/* Express recognizes error handlers by their four parameters. */
function answerWithCode(
  err: { status?: number; code?: string },
  _req: object,
  res: { status(status: number): { json(body: object): unknown } },
  _next: unknown,
): void {
  res.status(err.status ?? 500).json({ error: err.code ?? 'unknown' })
}

/** `Cookie` header of a user who has just logged in. */
export async function logIn(app: TestApp, body: object = {}): Promise<string> {
  const answer = await app.login({ email: ada.email, password: ada.password, remember_me: true, ...body })
  if (answer.status !== 200) throw new Error(`the login was answered ${answer.status} ${answer.text}`)
  return cookieOf(answer)
}

export function cookieOf(answer: request.Response): string {
  return [answer.headers['set-cookie'] ?? []].flat().map((header: string) => header.split(';')[0])[0] ?? ''
}

export function sidOf(cookie: string): string {
  return (
    decodeURIComponent(cookie.split('=')[1] ?? '')
      .slice(2)
      .split('.')[0] ?? ''
  )
}

export const get = ({ app }: TestApp, path: string, cookie: string) => request(app).get(path).set('Cookie', cookie)
export const post = ({ app }: TestApp, path: string, cookie: string) => request(app).post(path).set('Cookie', cookie)
export const del = ({ app }: TestApp, path: string, cookie: string) => request(app).delete(path).set('Cookie', cookie)

export function signal(): { given: Promise<void>; give: () => void } {
  let give: () => void = () => undefined
  const given = new Promise<void>((resolve) => {
    give = resolve
  })
  return { given, give: () => give() }
}

export async function until(isSo: () => boolean | Promise<boolean>, within = 3_000): Promise<void> {
  const deadline = Date.now() + within
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('it did not become so in time')
    await wait(10)
  }
}
