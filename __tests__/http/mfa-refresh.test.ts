import { describe, expect, it } from '@jest/globals'
import type { AuthError } from '../../lib/index.ts'
import { openVault } from '../promises/support/site.ts'
import { email, eventsNamed, revoked, startMfa, told, type MfaApp, type MfaSettings } from './mfa-browser.ts'
import { keysUnder, openRedis, refusal, sessionIdOf, until } from './wire.ts'

const API = 'https://api.example.com'
const OTP = 'http://auth0.com/oauth/grant-type/mfa-otp'
const mfa = { challenge: [{ type: 'otp' }, { type: 'recovery-code' }], enroll: [] }

/** A session whose access token has expired and whose refresh requires a second factor. */
async function startExpired(settings: MfaSettings = {}): Promise<MfaApp> {
  const app = await startMfa({
    ...settings,
    options: { scope: 'openid profile email read:posts write:posts', ...settings.options },
    after: (express, auth) => {
      express.get('/narrow', auth.requireAuth, (req, res) => {
        req.auth.getAccessToken({ scope: 'read:posts' }).then(
          (token) => res.json(token),
          (err: unknown) => res.status((err as AuthError).status).json(err),
        )
      })
    },
  })
  const { emulator } = app
  emulator.users.update(email, { mfa: undefined })
  emulator.tenant.accessTokenTtl = 60
  expect((await app.browser.login({ remember_me: true })).status).toBe(200)
  emulator.tenant.accessTokenTtl = 86_400
  emulator.users.update(email, { mfa: true, mfaOnRefresh: true })
  app.advance(90)
  return app
}

const refreshes = ({ emulator }: MfaApp) =>
  emulator.requestsTo('/oauth/token').filter(({ grantType }) => grantType === 'refresh_token')

async function stored({ prefix, browser }: MfaApp) {
  const key = (await keysUnder(prefix)).find((one) => one.includes(':s:'))!
  const vault = openVault({ redis: openRedis() }, { prefix: key.slice(0, key.indexOf(':s:') + 1) })
  const tokens = await vault.tokens(sessionIdOf(browser.cookie))
  return tokens === 'sealed' ? undefined : tokens
}

describe('a refresh that needs a second factor', () => {
  it('rejects getAccessToken with 403 mfa_required, and the session lives', async () => {
    const app = await startExpired()
    const answer = await app.browser.get('/token')
    expect([answer.status, answer.body]).toEqual([403, refusal('mfa_required', { mfa })])
    expect(answer.cookies).toEqual([])
    expect((await app.browser.get('/me')).status).toBe(200)
  })

  it.each(['redis', 'memory'] as const)('ends by the same routes, store %s', async (store) => {
    const app = await startExpired({ store })
    const before = (await app.browser.get('/me')).body
    await app.browser.get('/token')
    expect((await app.browser.get('/auth/mfa/authenticators')).body.authenticators).toHaveLength(2)
    const { cookie } = app.browser
    const verified = await app.browser.verify({ otp: app.code() })
    expect([verified.status, verified.cookies]).toEqual([200, []])
    expect(verified.body).toMatchObject({ success: true, user: { email } })
    expect(app.browser.cookie).toBe(cookie)
    expect((await app.browser.get('/me')).body).toEqual(before)
    expect((await app.browser.get('/token')).status).toBe(200)
    expect(refreshes(app)).toHaveLength(1)
  })

  it('stores the new tokens', async () => {
    const app = await startExpired({ options: { exposeTokens: true } })
    const old = await stored(app)
    await app.browser.get('/token')
    const { body } = await app.browser.verify({ otp: app.code() })
    const now = await stored(app)
    expect(now?.version).toBe(old!.version + 1)
    expect(now?.tokenSets[0]?.accessToken).toBe(body.access_token)
    expect((await app.browser.get('/token')).body.accessToken).toBe(body.access_token)
    expect(app.emulator.refreshTokens.isActive(now!.refreshToken!)).toBe(true)
  })

  it('of narrower scopes leaves no narrower token for everything else', async () => {
    const app = await startExpired()
    await app.browser.get('/narrow')
    await app.browser.verify({ otp: app.code() })
    expect((await app.browser.get('/narrow')).body.scope).toContain('read:posts')
    app.emulator.users.update(email, { mfaOnRefresh: undefined })
    const { body } = await app.browser.get('/token')
    expect(body.scope).toContain('write:posts')
  })

  it('is required once by many concurrent requests', async () => {
    const app = await startExpired()
    const gate = app.emulator.hold({ grantType: 'refresh_token' })
    const answers = Array.from({ length: 20 }, () => app.browser.get('/token'))
    await Promise.all([gate.arrived, until(() => app.asked() === 20)])
    gate.release()
    const all = await Promise.all(answers)
    expect(all.map(({ body }) => body)).toEqual(all.map(() => refusal('mfa_required', { mfa })))
    expect(refreshes(app)).toHaveLength(1)
    expect((await app.browser.verify({ otp: app.code() })).status).toBe(200)
  })

  it('keeps its challenge while other requests ask for a token', async () => {
    const app = await startExpired()
    app.emulator.users.update(email, { mfa: { factors: [{ type: 'sms' }] } })
    await app.browser.get('/token')
    await app.browser.challenge({ type: 'sms' })
    expect(told(await app.browser.get('/token'))).toEqual([403, 'mfa_required'])
    const { code } = app.emulator.mfa.sent.at(-1)!
    expect((await app.browser.verify({ binding_code: code })).status).toBe(200)
  })

  it('is over after 5 wrong codes, and the next refresh begins anew', async () => {
    const app = await startExpired()
    await app.browser.get('/token')
    for (let wrong = 0; wrong < 5; wrong++) await app.browser.verify({ otp: app.wrong() })
    expect(told(await app.browser.verify({ otp: app.code() }))).toEqual([401, 'mfa_expired'])
    expect((await app.browser.get('/me')).status).toBe(200)
    await app.browser.get('/token')
    expect((await app.browser.verify({ otp: app.code() })).status).toBe(200)
  })

  it('that names another user ends the session, and nothing stays valid', async () => {
    const app = await startExpired()
    await app.browser.get('/token')
    const grace = { email: 'grace@example.com', password: 'another battery staple' }
    app.emulator.users.add(grace)
    app.emulator.failNext({ grantType: OTP, status: 200, body: await grantOf(app, grace) })
    expect(told(await app.browser.verify({ otp: app.code() }))).toEqual([401, 'session_expired'])
    expect(told(await app.browser.get('/me'))).toEqual([401, 'session_expired'])
    await until(() => app.emulator.refreshTokens.families() === 0)
  })

  it('that is finished after a logout stores nothing, and its tokens are revoked', async () => {
    const app = await startExpired()
    await app.browser.get('/token')
    const other = app.newBrowser()
    for (const [name, value] of app.browser.kept) other.kept.set(name, value)
    const held = app.emulator.hold({ grantType: OTP, after: true })
    const verified = app.browser.verify({ otp: app.code() })
    await held.arrived
    expect((await other.post('/auth/logout')).status).toBe(200)
    held.release()
    expect(told(await verified)).toEqual([401, 'session_expired'])
    await until(() => revoked(app).length >= 2)
    expect(app.emulator.refreshTokens.families()).toBe(0)
    expect((await keysUnder(app.prefix)).filter((key) => key.includes(':s:'))).toEqual([])
    expect(told(await app.browser.get('/me'))).toEqual([401, 'session_expired'])
  })

  it('cannot be completed after a logout', async () => {
    const app = await startExpired()
    await app.browser.get('/token')
    const other = app.newBrowser()
    for (const [name, value] of app.browser.kept) other.kept.set(name, value)
    await app.browser.post('/auth/logout')
    expect(told(await other.verify({ otp: app.code() }))).toEqual([401, 'mfa_expired'])
    expect(app.verified()).toEqual([])
  })

  it('is not found by the session cookie under the name of the login cookie', async () => {
    const app = await startExpired()
    await app.browser.get('/token')
    const [[name, value] = ['', '']] = [...app.browser.kept]
    const thief = app.newBrowser()
    thief.kept.set(`${name}.mfa`, value)
    expect(told(await thief.verify({ otp: app.code() }))).toEqual([401, 'mfa_expired'])
    expect(app.verified()).toEqual([])
  })

  it("with mfa: 'interactive' is 403 with login_url, and stores nothing", async () => {
    const app = await startExpired({ options: { mfa: 'interactive', loginUrl: 'https://example.com/login' } })
    const { status, body } = await app.browser.get('/token')
    expect([status, body.error, body.mfa]).toEqual([403, 'mfa_required', undefined])
    expect(body.login_url).toMatch(/^https:\/\/example\.com\/login/)
    expect((await keysUnder(app.prefix)).filter((key) => key.includes(':m:'))).toEqual([])
  })

  it('reports the second factor, but no login', async () => {
    const app = await startExpired()
    const { sessionId } = (await app.browser.get('/me')).body
    await app.browser.get('/token')
    await app.browser.verify({ otp: app.wrong() })
    await app.browser.verify({ otp: app.code() })
    expect(eventsNamed(app, 'mfa.failed')).toMatchObject([{ code: 'invalid_mfa_code', userName: email }])
    expect(eventsNamed(app, 'mfa.succeeded')).toMatchObject([{ sessionId, userName: email }])
    expect(eventsNamed(app, 'login.succeeded')).toHaveLength(1)
  })
})

/** Tokens that Auth0 issues to another user. */
async function grantOf({ emulator }: MfaApp, user: { email: string; password: string }): Promise<unknown> {
  const { domain, clientId: client_id, clientSecret: client_secret } = emulator
  const { email: username, password } = user
  const asked = { grant_type: 'password', username, password, client_id, client_secret, audience: API }
  const body = new URLSearchParams({ ...asked, scope: 'openid offline_access' })
  return (await fetch(`${domain}/oauth/token`, { method: 'POST', body })).json()
}
