import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals'
import { Redis } from 'ioredis'
import { ERRORS, type AuthErrorCode } from '../../../lib/errors.ts'
import { createSeal } from '../../../lib/session/seal.ts'
import { createRedisRecords } from '../../../lib/store/redis-records.ts'
import { SessionVault, type VersionedTokens } from '../../../lib/session/session-vault.ts'
import type { RecordedRequest } from '../../../lib/testing/emulator.ts'
import { ada, secret, startApp, type TestApp, type TestAppOptions } from '../../support/app.ts'
import { testRedisUrl } from '../../support/redis.ts'
import { addTokenRoute } from './token-routes.ts'

export interface Answer {
  status: number
  headers: Headers
  body: any // eslint-disable-line @typescript-eslint/no-explicit-any -- what JSON.parse gives
}

export interface AppClock {
  now(): number
  advance(seconds: number): void
}

/** A listening test app with `GET /token`, an adjustable clock, and access to its Redis. */
export interface Site extends TestApp {
  url: string
  clock: AppClock
  redis: Redis
  settings: SiteSettings
  get(path: string, cookie?: string): Promise<Answer>
  send(method: 'POST' | 'DELETE', path: string, sent?: { cookie?: string; body?: object }): Promise<Answer>
}

export interface SiteSettings extends TestAppOptions {
  redisUrl?: string
  clock?: AppClock
  /** Which clock `clock` changes: only the process's wall clock (default) or the store's clock too. */
  clockSets?: 'the process' | 'everything'
  /** Called as soon as `GET /token` requests its token. */
  asked?: () => void
}

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((clean) => clean()))
})

/** Closed after the test. */
export function endWithTest(clean: () => Promise<unknown>): void {
  cleanups.push(clean)
}

let isMounted = false

/** Runs tests in an app with only the guards and in one that mounts `auth.session` first. */
export function inBothApps(name: string, tests: () => void): void {
  describe.each([
    ['with the guards alone', false],
    ['behind auth.session', true],
  ])(`${name}, %s`, (_app, mounted) => {
    beforeAll(() => {
      isMounted = mounted
    })
    afterAll(() => {
      isMounted = false
    })
    tests()
  })
}

export async function startSite(settings: SiteSettings = {}): Promise<Site> {
  const { redisUrl = testRedisUrl(), clock = createClock(), clockSets = 'the process' } = settings
  const now = () => clock.now()
  const test = await startApp({
    ...settings,
    options: { ...(settings.store !== 'memory' && { redis: redisUrl }), ...settings.options },
    seams: { ...(clockSets === 'everything' ? { testClock: now } : { clock: now }), ...settings.seams },
    before: (app, auth) => {
      settings.before?.(app, auth)
      if (isMounted) app.use(auth.session)
    },
    after: (app, auth) => {
      addTokenRoute(app, auth, settings)
      settings.after?.(app, auth)
    },
  })
  const url = await listen(test.app)
  const redis = new Redis(redisUrl)
  endWithTest(async () => redis.disconnect())
  return {
    ...{ ...test, url, clock, redis, settings },
    get: async (path, cookie) => answerOf(await fetch(url + path, { headers: cookieHeader(cookie) })),
    send: async (method, path, { cookie, body } = {}) => {
      const headers = { ...cookieHeader(cookie), 'content-type': 'application/json' }
      return answerOf(await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) }))
    },
  }
}

/** Another instance with the same tenant, Redis, prefix, and clock, as in another process. */
export function startTwin({ settings, emulator, prefix, clock }: Site, more: SiteSettings = {}): Promise<Site> {
  const { options = {} } = settings
  return startSite({
    ...{ ...settings, emulator, clock, ...more },
    options: { ...options, ...more.options, session: { ...options.session, prefix, ...more.options?.session } },
  })
}

function createClock(): AppClock {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    advance(seconds) {
      ahead += seconds * 1000
    },
  }
}

async function listen(app: TestApp['app']): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  endWithTest(async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const cookieHeader = (cookie?: string): Record<string, string> => (cookie === undefined ? {} : { cookie })

async function answerOf(response: globalThis.Response): Promise<Answer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

export interface LoggedIn {
  cookie: string
  id: string
  answer: Answer
}

/** A login with `remember_me`, which gets a refresh token. */
export async function logIn(site: Site, body: object = {}): Promise<LoggedIn> {
  const sent = { email: ada.email, password: ada.password, remember_me: true, ...body }
  const answer = await site.send('POST', '/auth/login', { body: sent })
  expect(answer.status).toBe(200)
  const cookie = answer.headers.get('set-cookie')!.split(';')[0]!
  return { cookie, id: /=s:([^.]+)\./.exec(decodeURIComponent(cookie))![1]!, answer }
}

/** A login whose access token has expired while the session is alive. */
export async function logInAndExpire(site: Site, body: object = {}): Promise<LoggedIn> {
  const [loggedIn] = await logInSeveral(site, { count: 1, body })
  return loggedIn!
}

/** Several concurrent logins whose access tokens have expired. */
export async function logInSeveral(site: Site, { count, body = {} }: { count: number; body?: object }) {
  const { tenant } = site.emulator
  const usual = tenant.accessTokenTtl
  tenant.accessTokenTtl = 60
  const loggedIn = await Promise.all(Array.from({ length: count }, () => logIn(site, body)))
  tenant.accessTokenTtl = usual
  site.clock.advance(61)
  return loggedIn
}

/** Refresh requests that Auth0 received, oldest first. */
export function refreshes({ emulator }: Site): RecordedRequest[] {
  return emulator.requestsTo('/oauth/token').filter(({ grantType }) => grantType === 'refresh_token')
}

/** Tokens that Auth0 was asked to revoke. */
export function revoked({ emulator }: Site): string[] {
  return emulator.requestsTo('/oauth/revoke').map(({ params }) => String(params.token))
}

export async function keysOf({ redis, prefix }: Site): Promise<string[]> {
  return (await redis.keys(`${prefix}*`)).sort()
}

/** Keys of a session: its record and its refresh lock. */
export async function sessionKeysOf(site: Site, id: string): Promise<string[]> {
  return (await keysOf(site)).filter((key) => key.endsWith(`:${id}`))
}

export async function keyOf(site: Site, { kind, id }: { kind: 's' | 'l'; id: string }): Promise<string> {
  return `${await keyPrefix(site)}${kind}:${id}`
}

/** Prefix and tenant, which start every key of a session. */
export async function keyPrefix(site: Site): Promise<string> {
  const known = (await keysOf(site)).find((key) => /:[su]:/.test(key))!
  return /^(.*:)[su]:/.exec(known)![1]!
}

/** The vault as opened by another process. */
export function openVault(
  { redis }: Pick<Site, 'redis'>,
  { prefix, secrets = [secret] }: { prefix: string; secrets?: string[] },
): SessionVault {
  const parts = { client: redis, owned: false, prefix, testClock: undefined }
  const records = createRedisRecords({ ...parts, guarded: (call) => call() })
  return new SessionVault({ records, seal: createSeal(secrets), prefix })
}

/** Undefined if there are none or they cannot be opened. */
export async function storedTokens(site: Site, id: string): Promise<VersionedTokens | undefined> {
  const vault = openVault(site, { prefix: await keyPrefix(site) })
  const tokens = await vault.tokens(id)
  return tokens === 'sealed' ? undefined : tokens
}

/** Polls until the condition holds. The time depends on Redis or Auth0, not on the package. */
export async function until(condition: () => Promise<boolean> | boolean, patience = 5000): Promise<void> {
  const deadline = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${String(condition)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Body of an error response. */
export function refusal(error: AuthErrorCode): object {
  return { success: false, error, message: ERRORS[error][1] }
}

export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
