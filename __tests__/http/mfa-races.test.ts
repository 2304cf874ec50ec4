import { describe, expect, it } from '@jest/globals'
import { secret } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { startRedis } from '../support/redis-server.ts'
import {
  type Answer,
  email,
  eventsNamed,
  logInTo,
  revoked,
  startMfa,
  told,
  waiting,
  type MfaApp,
} from './mfa-browser.ts'
import { keysUnder, openRedis, until } from './wire.ts'

const TOKEN = '/oauth/token'
const OTP = 'http://auth0.com/oauth/grant-type/mfa-otp'
const remembered = { remember_me: true }
const isExpired = [401, 'mfa_expired']
const isWrong = [401, 'invalid_mfa_code']

const pendingKeys = async ({ prefix }: MfaApp) => (await keysUnder(prefix)).filter((key) => key.includes(':m:'))

/** A browser with another browser's cookies. */
function copyOf(app: MfaApp) {
  const copy = app.newBrowser()
  for (const [name, value] of app.browser.kept) copy.kept.set(name, value)
  return copy
}

/** Another instance with the same tenant, Redis, and clock. */
function twinOf(app: MfaApp, session: object = {}) {
  return startMfa({ emulator: app.emulator, options: { session: { prefix: app.prefix, ...session } } })
}

describe.each(['redis', 'memory'] as const)('a login that waits, store %s', (store) => {
  it('is over after 5 minutes', async () => {
    const app = await waiting({ store })
    app.advance(299)
    expect((await app.browser.get('/auth/mfa/authenticators')).status).toBe(200)
    app.advance(2)
    const asked = app.emulator.requests.length
    expect(told(await app.browser.verify({ otp: app.code() }))).toEqual(isExpired)
    expect(app.emulator.requests).toHaveLength(asked)
  })

  it('does not last longer if it is used', async () => {
    const app = await waiting({ store, factors: ['sms', 'otp'] })
    for (let minute = 0; minute < 4; minute++) {
      app.advance(60)
      await app.browser.challenge({ type: 'sms' })
      await app.browser.verify({ binding_code: '0000' })
    }
    app.advance(61)
    expect(told(await app.browser.verify({ otp: app.code() }))).toEqual(isExpired)
  })

  it('is over after 5 wrong codes', async () => {
    const app = await waiting({ store })
    for (let wrong = 0; wrong < 5; wrong++) {
      expect(told(await app.browser.verify({ otp: app.wrong() }))).toEqual(isWrong)
    }
    expect(told(await app.browser.verify({ otp: app.code() }))).toEqual(isExpired)
    expect(told(await app.browser.get('/auth/mfa/authenticators'))).toEqual(isExpired)
    expect(app.verified()).toHaveLength(5)
  })

  it('accepts the correct code after 4 wrong ones, and after any number of outages', async () => {
    const app = await waiting({ store })
    for (let wrong = 0; wrong < 4; wrong++) await app.browser.verify({ otp: app.wrong() })
    app.emulator.failNext({ path: TOKEN, times: 6 })
    for (let outage = 0; outage < 6; outage++) {
      expect(told(await app.browser.verify({ otp: app.code() }))).toEqual([503, 'auth_unavailable'])
    }
    expect((await app.browser.verify({ otp: app.code() })).status).toBe(200)
  })

  it('sends Auth0 5 of 10 wrong codes that come at once', async () => {
    const app = await waiting({ store })
    const gates = Array.from({ length: 5 }, () => app.emulator.hold({ grantType: OTP }))
    const answers = Array.from({ length: 10 }, () => app.browser.verify({ otp: app.wrong() }))
    await Promise.all(gates.map(({ arrived }) => arrived))
    for (const held of gates) held.release()
    const codes = (await Promise.all(answers)).map(({ body }) => body.error as string).sort()
    expect(codes).toEqual([...Array<string>(5).fill('invalid_mfa_code'), ...Array<string>(5).fill('mfa_expired')])
    expect(app.verified()).toHaveLength(5)
    expect(told(await app.browser.verify({ otp: app.code() }))).toEqual(isExpired)
  })

  it('is finished once', async () => {
    const app = await waiting({ store })
    const copy = copyOf(app)
    await app.browser.verify({ otp: app.code() })
    app.advance(30)
    expect(told(await copy.verify({ otp: app.code() }))).toEqual(isExpired)
    expect(app.verified()).toHaveLength(1)
  })

  it('becomes one session of two right codes at once, and the tokens of the other are revoked', async () => {
    const app = await waiting({ store, factors: ['otp', 'recovery-code'] }, remembered)
    const copy = copyOf(app)
    // The emulator accepts an mfa_token only once too, so a forged response stands in for a less careful tenant.
    const first = app.emulator.hold({ grantType: OTP, after: true })
    const one = app.browser.verify({ otp: app.code() })
    await first.arrived
    const forged = await grantOf(app)
    app.emulator.failNext({ path: TOKEN, status: 200, body: forged })
    expect((await copy.verify({ otp: app.code() })).status).toBe(200)
    first.release()
    expect(told(await one)).toEqual(isExpired)
    await until(() => revoked(app).length === 1)
    expect(app.emulator.refreshTokens.isActive(forged.refresh_token)).toBe(true)
    expect(eventsNamed(app, 'login.succeeded')).toHaveLength(1)
  })

  it('survives a double click, whichever answer comes first', async () => {
    const app = await waiting({ store })
    const copy = copyOf(app)
    const first = app.emulator.hold({ grantType: OTP, after: true })
    const one = app.browser.verify({ otp: app.code() })
    await first.arrived
    expect(told(await copy.verify({ otp: app.code() }))).toEqual(isExpired)
    first.release()
    expect((await one).status).toBe(200)
    expect((await app.browser.get('/me')).status).toBe(200)
  })

  it.each([
    ['POST /logout', '/auth/logout'],
    ['auth.logout(req)', '/bye'],
  ])('is ended by %s, which clears its cookie', async (_title, path) => {
    const app = await waiting({
      store,
      after: (express, auth) => {
        express.post('/bye', async (req, res) => {
          await auth.logout(req)
          res.json({ success: true })
        })
      },
    })
    const copy = copyOf(app)
    expect((await app.browser.post(path)).status).toBe(200)
    expect(app.browser.mfaCookie).toBeUndefined()
    expect(told(await copy.verify({ otp: app.code() }))).toEqual(isExpired)
    expect(app.verified()).toEqual([])
    if (store === 'redis') expect(await pendingKeys(app)).toEqual([])
  })

  it('is ended by a logout while its code is checked, and its refresh token is revoked', async () => {
    const app = await waiting({ store }, remembered)
    const copy = copyOf(app)
    const held = app.emulator.hold({ grantType: OTP, after: true })
    const verified = copy.verify({ otp: app.code() })
    await held.arrived
    await app.browser.post('/auth/logout')
    held.release()
    expect(told(await verified)).toEqual(isExpired)
    await until(() => revoked(app).length === 1)
  })

  it('is replaced by the next login of the browser', async () => {
    const app = await waiting({ store })
    const before = app.browser.mfaCookie
    await logInTo(app.browser)
    expect(app.browser.mfaCookie).not.toBe(before)
    expect((await app.browser.verify({ otp: app.code() })).status).toBe(200)
  })

  it('is unauthenticated for guards, and continues afterwards', async () => {
    const app = await waiting({ store })
    for (const path of ['/me', '/auth/user', '/auth/sessions']) {
      const answer = await app.browser.get(path)
      expect([told(answer), answer.cookies]).toEqual([[401, 'unauthenticated'], []])
    }
    expect((await app.browser.verify({ otp: app.code() })).status).toBe(200)
  })
})

interface TokenAnswer {
  refresh_token: string
}

/** Tokens that Auth0 issues for the same user and scope. */
async function grantOf({ emulator }: MfaApp): Promise<TokenAnswer> {
  const { users, domain, clientId: client_id, clientSecret: client_secret } = emulator
  const { password, mfa } = users.get(email)!
  users.update(email, { mfa: undefined })
  const audience = 'https://api.example.com'
  const asked = { grant_type: 'password', username: email, password, client_id, client_secret, audience }
  const body = new URLSearchParams({ ...asked, scope: 'openid profile email offline_access' })
  const answer = (await (await fetch(`${domain}/oauth/token`, { method: 'POST', body })).json()) as TokenAnswer
  users.update(email, { mfa })
  return answer
}

describe('the cookie of a login that waits', () => {
  it.each([
    ['over HTTP', 'http', /; Path=\/; HttpOnly; SameSite=Lax$/],
    ['over HTTPS', 'https', /; Path=\/; HttpOnly; Secure; SameSite=Lax$/],
  ])('%s has the same attributes as the session cookie', async (_title, scheme, attributes) => {
    const app = await startMfa({ before: (express) => express.set('trust proxy', true) })
    const headers = { 'content-type': 'application/json', 'x-forwarded-proto': scheme, 'x-forwarded-for': '192.0.2.1' }
    const body = JSON.stringify({ email, password: app.emulator.users.get(email)!.password })
    const answer = await fetch(`${app.url}/auth/login`, { method: 'POST', headers, body })
    const [cookie = '', ...others] = answer.headers.getSetCookie()
    expect(others).toEqual([])
    expect(cookie).toMatch(attributes)
  })

  it('follows the options of the session cookie', async () => {
    const cookie = { name: 'mine', path: '/auth', sameSite: 'strict' as const, secure: true }
    const app = await startMfa({
      options: { session: { cookie } },
      before: (express) => express.set('trust proxy', true),
    })
    const headers = { 'content-type': 'application/json', 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' }
    const body = JSON.stringify({ email, password: app.emulator.users.get(email)!.password })
    const answer = await fetch(`${app.url}/auth/login`, { method: 'POST', headers, body })
    expect(answer.headers.getSetCookie()[0]).toMatch(/^mine\.mfa=s.*; Path=\/auth; HttpOnly; Secure; SameSite=Strict$/)
  })

  it('is refused when forged', async () => {
    const app = await waiting()
    const [[name, value] = ['', '']] = [...app.browser.kept]
    for (const forged of [value.slice(0, -1), value.split('.')[0]!, value.replace(/s%3A./, 's%3A_'), '', 's%3A.']) {
      app.browser.kept.set(name, forged)
      expect(told(await app.browser.verify({ otp: app.code() }))).toEqual(isExpired)
    }
    expect(app.verified()).toEqual([])
  })

  it('of another browser finishes no login', async () => {
    const app = await waiting()
    expect(told(await app.newBrowser().verify({ otp: app.code() }))).toEqual(isExpired)
  })

  it('of another tenant is refused', async () => {
    const app = await waiting()
    const other = await startMfa({ options: { session: { prefix: app.prefix } } })
    for (const [name, value] of app.browser.kept) other.browser.kept.set(name, value)
    expect(told(await other.browser.verify({ otp: app.code() }))).toEqual(isExpired)
  })

  it('is accepted in another process', async () => {
    const app = await waiting()
    const twin = await twinOf(app)
    for (const [name, value] of app.browser.kept) twin.browser.kept.set(name, value)
    for (let wrong = 0; wrong < 3; wrong++) await app.browser.verify({ otp: app.wrong() })
    for (let wrong = 0; wrong < 2; wrong++) {
      expect(told(await twin.browser.verify({ otp: app.wrong() }))).toEqual(isWrong)
    }
    expect(told(await app.browser.verify({ otp: app.code() }))).toEqual(isExpired)
  })

  it('is accepted after the secret was rotated', async () => {
    const app = await waiting()
    const twin = await twinOf(app, { secret: ['the-new-secret-that-signs-and-seals-now', secret] })
    for (const [name, value] of app.browser.kept) twin.browser.kept.set(name, value)
    expect((await twin.browser.verify({ otp: app.code() })).status).toBe(200)
    expect((await twin.browser.get('/me')).status).toBe(200)
  })

  it('is refused by a process with another secret', async () => {
    const app = await waiting()
    const twin = await twinOf(app, { secret: 'quite-another-secret-of-enough-characters' })
    for (const [name, value] of app.browser.kept) twin.browser.kept.set(name, value)
    expect(told(await twin.browser.verify({ otp: app.code() }))).toEqual(isExpired)
    expect((await app.browser.verify({ otp: app.code() })).status).toBe(200)
  })
})

describe('the record of a login that waits', () => {
  it('is one, expires within 5 minutes, and cannot be copied', async () => {
    const app = await waiting()
    const [key = '', ...others] = await pendingKeys(app)
    expect(others).toEqual([])
    const redis = openRedis()
    const left = await redis.pttl(key)
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(300_000)
    const { kept } = app.browser
    const stolen = await redis.dumpBuffer(key)
    await logInTo(app.browser)
    const mine = (await pendingKeys(app)).find((other) => other !== key)!
    await redis.restore(mine, 60_000, stolen, 'REPLACE')
    expect(kept.size).toBe(1)
    expect(told(await app.browser.verify({ otp: app.code() }))).toEqual(isExpired)
  })

  it('is gone after the login', async () => {
    const app = await waiting()
    await app.browser.verify({ otp: app.code() })
    expect(await pendingKeys(app)).toEqual([])
  })
})

describe('with Redis down', () => {
  it('every step answers 503 in time, and the login goes on afterwards', async () => {
    const server = await startRedis()
    try {
      const app = await waiting({ options: { redis: server.url, timeouts: { redis: 200 } } })
      server.pause()
      const started = performance.now()
      const answers: Answer[] = []
      for (const path of ['verify', 'challenge', 'enroll']) {
        answers.push(await app.browser.post(`/auth/mfa/${path}`, { otp: app.code(), type: 'otp' }))
      }
      answers.push(await app.browser.get('/auth/mfa/authenticators'), await app.newBrowser().login())
      expect(answers.map(told)).toEqual(answers.map(() => [503, 'session_unavailable']))
      expect(answers.flatMap(({ cookies }) => cookies)).toEqual([])
      expect(performance.now() - started).toBeLessThan(5 * 4900)
      expect(app.verified()).toEqual([])
      server.resume()
      let last: Answer | undefined
      await until(async () => (last = await app.browser.verify({ otp: app.code() })).status !== 503)
      expect(last?.status).toBe(200)
    } finally {
      await server.stop()
    }
  })

  it('no login is pending if it cannot be stored', async () => {
    const redis = `redis://127.0.0.1:${await freePort()}`
    const app = await startMfa({ options: { redis, timeouts: { redis: 200 } } })
    const answer = await app.browser.login()
    expect([told(answer), answer.cookies]).toEqual([[503, 'session_unavailable'], []])
  })
})
