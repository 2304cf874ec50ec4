import { describe, expect, it } from '@jest/globals'
import express from 'express'
import { AuthError } from '../../lib/index.ts'
import { keysUnder, refusal, until } from './wire.ts'
import {
  credentials,
  email,
  eventsNamed,
  logInTo,
  revoked,
  startMfa,
  told,
  waiting,
  type Jar,
  type MfaApp,
} from './mfa-browser.ts'

const DAY = 86_400
const remembered = { remember_me: true }
const loggedIn = {
  success: true,
  user: { id: expect.stringMatching(/^auth0\|/), email, name: 'Ada Lovelace' },
  expires_at: expect.any(String),
}

async function expectLoggedIn(browser: Jar) {
  const { status, body } = await browser.get('/me')
  expect(status).toBe(200)
  expect(body.user.email).toBe(email)
}

const lastCode = ({ emulator }: MfaApp) => emulator.mfa.sent.at(-1)!

describe.each(['redis', 'memory'] as const)('a login with a second factor, store %s', (store) => {
  it('answers 403 mfa_required with the factors, and a separate cookie', async () => {
    const { browser } = await startMfa({ store })
    const answer = await browser.login()
    const mfa = { challenge: [{ type: 'otp' }, { type: 'recovery-code' }], enroll: [] }
    expect([answer.status, answer.body]).toEqual([403, refusal('mfa_required', { mfa })])
    expect(answer.cookies).toHaveLength(1)
    expect([...browser.kept.keys()]).toEqual([expect.stringMatching(/\.mfa$/)])
  })

  it('ends with the code of an authenticator app', async () => {
    const app = await waiting({ store })
    const { status, body } = await app.browser.verify({ otp: app.code() })
    expect([status, body]).toEqual([200, loggedIn])
    await expectLoggedIn(app.browser)
  })

  it('accepts a code with a space', async () => {
    const app = await waiting({ store })
    const code = app.code()
    const { status } = await app.browser.verify({ otp: ` ${code.slice(0, 3)} ${code.slice(3)} ` })
    expect(status).toBe(200)
  })

  it.each(['sms', 'voice', 'email'] as const)('ends with a code sent by %s', async (type) => {
    const app = await waiting({ store, factors: [type] })
    const sent = await app.browser.challenge({ type })
    expect([sent.status, sent.body]).toEqual([200, { challenge_type: 'oob', binding_method: 'prompt' }])
    expect(lastCode(app).channel).toBe(type)
    const { status, body } = await app.browser.verify({ binding_code: lastCode(app).code })
    expect([status, body]).toEqual([200, loggedIn])
    await expectLoggedIn(app.browser)
  })

  it('ends with a push notification that is approved', async () => {
    const app = await waiting({ store, factors: ['push'] })
    const sent = await app.browser.challenge({ type: 'push' })
    expect([sent.status, sent.body]).toEqual([200, { challenge_type: 'oob' }])
    const pending = await app.browser.verify()
    expect([pending.status, pending.body]).toEqual([202, refusal('mfa_pending')])
    expect(pending.headers.get('retry-after')).toBe('5')
    expect(pending.cookies).toEqual([])
    app.emulator.mfa.approvePush(email)
    const { status, body } = await app.browser.verify()
    expect([status, body]).toEqual([200, loggedIn])
    await expectLoggedIn(app.browser)
  })

  it('ends with a recovery code, and shows the next one once', async () => {
    const app = await waiting({ store })
    const { status, body } = await app.browser.verify({
      recovery_code: app.emulator.mfa.recoveryCode(email).toLowerCase(),
    })
    const next = app.emulator.mfa.recoveryCode(email)
    expect([status, body]).toEqual([200, { ...loggedIn, recovery_code: next }])
    await expectLoggedIn(app.browser)
    expect(JSON.stringify(await app.browser.get('/auth/user'))).not.toContain(next)
  })
})

describe('GET /mfa/authenticators', () => {
  it('lists active ones only', async () => {
    const mfa = {
      factors: [{ type: 'otp' as const }, { type: 'sms' as const }, { type: 'push' as const, active: false }],
    }
    const { browser } = await waiting({ user: { mfa } })
    const { status, body } = await browser.get('/auth/mfa/authenticators')
    const listed = [
      { id: expect.stringMatching(/^totp\|/), type: 'otp' },
      { id: expect.stringMatching(/^sms\|/), type: 'sms', channel: 'sms', name: 'XXXXXXXXX0100' },
    ]
    expect([status, body]).toEqual([200, { authenticators: listed }])
  })

  it('returns ids for a challenge', async () => {
    const app = await waiting({ factors: ['sms', 'email'] })
    const { body } = await app.browser.get('/auth/mfa/authenticators')
    const { id } = body.authenticators.find(({ type }: { type: string }) => type === 'email')
    expect((await app.browser.challenge({ authenticator_id: id })).status).toBe(200)
    expect(lastCode(app).channel).toBe('email')
  })
})

describe('POST /mfa/challenge', () => {
  it("accepts Auth0's own names of factors", async () => {
    const app = await waiting({ factors: ['sms'] })
    expect((await app.browser.challenge({ type: 'phone' })).status).toBe(200)
  })

  it('answers for an authenticator app, which needs none', async () => {
    const { browser } = await waiting()
    const { status, body } = await browser.challenge({ type: 'otp' })
    expect([status, body]).toEqual([200, { challenge_type: 'otp' }])
  })
})

describe('a push notification', () => {
  it('that is denied ends the login', async () => {
    const app = await waiting({ factors: ['push'] })
    await app.browser.challenge({ type: 'push' })
    app.emulator.mfa.denyPush(email)
    expect(told(await app.browser.verify())).toEqual([403, 'mfa_denied'])
    expect(told(await app.browser.verify())).toEqual([401, 'mfa_expired'])
  })

  it('stays pending for longer if polled too often', async () => {
    const app = await waiting({ factors: ['push'] })
    await app.browser.challenge({ type: 'push' })
    for (let poll = 0; poll < 12; poll++) await app.browser.verify()
    const slow = await app.browser.verify()
    expect([...told(slow), slow.headers.get('retry-after')]).toEqual([202, 'mfa_pending', '10'])
    expect(eventsNamed(app, 'mfa.failed')).toEqual([])
  })
})

describe('a first enrollment', () => {
  it('of an authenticator app shows secret and recovery codes, and ends with its code', async () => {
    const app = await waiting({ factors: [] })
    const { status, body } = await app.browser.enroll({ type: 'otp' })
    expect([status, body]).toEqual([
      200,
      {
        secret: expect.stringMatching(/^[A-Z2-7]+$/),
        otpauth_uri: expect.stringMatching(/^otpauth:\/\/totp\//),
        recovery_codes: [expect.stringMatching(/^[A-Z0-9]{24}$/)],
      },
    ])
    expect((await app.browser.verify({ otp: app.emulator.mfa.enrollCode(body.secret) })).status).toBe(200)
    await expectLoggedIn(app.browser)
  })

  it.each([
    ['sms', { phone_number: '+1 (555) 010-0123' }, '+15550100123'],
    ['voice', { phone_number: '+15550100123' }, '+15550100123'],
    ['email', { email: 'other@example.com' }, 'other@example.com'],
  ])('by %s is confirmed by the code that was sent', async (type, contact, to) => {
    const app = await waiting({ factors: [] })
    const { status, body } = await app.browser.enroll({ type, ...contact })
    expect([status, body]).toEqual([200, { recovery_codes: [expect.any(String)], binding_method: 'prompt' }])
    expect(lastCode(app)).toMatchObject({ channel: type, to })
    expect((await app.browser.verify({ binding_code: lastCode(app).code })).status).toBe(200)
    await expectLoggedIn(app.browser)
  })

  it('by push waits until the device has confirmed it', async () => {
    const app = await waiting({ factors: [] })
    const { status, body } = await app.browser.enroll({ type: 'push' })
    expect([status, body]).toEqual([
      200,
      { otpauth_uri: expect.stringContaining('enrollment_tx_id'), recovery_codes: [expect.any(String)] },
    ])
    expect(told(await app.browser.verify())).toEqual([202, 'mfa_pending'])
    app.emulator.mfa.approvePush(email)
    expect((await app.browser.verify()).status).toBe(200)
    await expectLoggedIn(app.browser)
  })
})

describe('POST /mfa/verify ends like POST /login:', () => {
  it('the MFA cookie is cleared, and a session cookie is set', async () => {
    const app = await waiting()
    const { cookies } = await app.browser.verify({ otp: app.code() })
    expect(cookies).toEqual([
      expect.stringMatching(/^[^=]+\.mfa=;.*Expires=Thu, 01 Jan 1970/),
      expect.stringMatching(/^[^=.]+(\.sid)?=s%3A.*HttpOnly/),
    ])
  })

  it('remember_me of the login keeps its lifetime and its refresh token', async () => {
    const app = await waiting({ options: { exposeTokens: true } }, remembered)
    const before = Date.now()
    const { body, cookies } = await app.browser.verify({ otp: app.code() })
    expect(Date.parse(body.expires_at) - before).toBeGreaterThan(29 * DAY * 1000)
    expect(cookies.at(-1)).toMatch(/Expires=/)
    expect(app.emulator.refreshTokens.isActive(body.refresh_token)).toBe(true)
  })

  it('without remember_me it lasts 7 days, with a cookie of the browser session', async () => {
    const app = await waiting({ options: { exposeTokens: true } })
    const { body, cookies } = await app.browser.verify({ otp: app.code() })
    expect(Date.parse(body.expires_at) - Date.now()).toBeLessThanOrEqual(7 * DAY * 1000 + 60_000)
    expect(cookies.at(-1)).not.toMatch(/Expires=|Max-Age=/)
    expect(body).toMatchObject({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
    })
    expect(body).not.toHaveProperty('refresh_token')
  })

  it('with a new session id, in place of the old session', async () => {
    const app = await startMfa()
    app.emulator.users.update(email, { mfa: undefined })
    await app.browser.login()
    const old = app.newBrowser()
    for (const [name, value] of app.browser.kept) old.kept.set(name, value)
    app.emulator.users.update(email, { mfa: true })
    await logInTo(app.browser)
    expect((await app.browser.get('/me')).status).toBe(200)
    await app.browser.verify({ otp: app.code() })
    expect(told(await old.get('/me'))).toEqual([401, 'session_expired'])
    await expectLoggedIn(app.browser)
  })

  it("with the visitor's data in req.session", async () => {
    const app = await startMfa({
      options: { session: { preserve: ['cart'] } },
      before: (express, auth) => {
        express.use(auth.session)
        express.get('/fill', (req, res) => {
          Object.assign(req.session, { cart: ['a book'], draft: 'a letter' })
          res.json({})
        })
        express.get('/kept', (req, res) => res.json(req.session))
      },
    })
    await app.browser.get('/fill')
    await logInTo(app.browser)
    expect((await app.browser.get('/kept')).body).toMatchObject({ cart: ['a book'], draft: 'a letter' })
    expect((await app.browser.verify({ otp: app.code() })).status).toBe(200)
    const { body } = await app.browser.get('/kept')
    expect(body.cart).toEqual(['a book'])
    expect(body).not.toHaveProperty('draft')
  })

  it('onLogin runs', async () => {
    const users: string[] = []
    const onLogin = ({ user }: { user: { sub: string } }) => void users.push(user.sub)
    const app = await waiting({ options: { onLogin } })
    expect(users).toEqual([])
    await app.browser.verify({ otp: app.code() })
    expect(users).toEqual([expect.stringMatching(/^auth0\|/)])
  })

  it('onLogin can refuse, and then nothing stays valid', async () => {
    const onLogin = () => {
      throw new AuthError('access_denied')
    }
    const app = await waiting({ options: { onLogin } }, remembered)
    const answer = await app.browser.verify({ otp: app.code() })
    expect([told(answer), answer.cookies]).toEqual([[403, 'access_denied'], []])
    await until(() => revoked(app).length === 1)
    expect(app.emulator.refreshTokens.families()).toBe(0)
    expect(await keysUnder(app.prefix)).toEqual([])
  })
})

describe("auth.login in a route of the app's own", () => {
  it('sets the MFA cookie, rejects with err.body.mfa, and the routes finish the login', async () => {
    const errors: AuthError[] = []
    const app = await startMfa({
      after: (router, auth) => {
        router.post('/own', express.json(), (req, res) => {
          auth.login(req, req.body).then(
            () => res.json({}),
            (err: unknown) => {
              errors.push(err as AuthError)
              res.status((err as AuthError).status).json(err)
            },
          )
        })
      },
    })
    const answer = await app.browser.post('/own', credentials)
    expect(told(answer)).toEqual([403, 'mfa_required'])
    expect(errors[0]!.body.mfa).toEqual({ challenge: [{ type: 'otp' }, { type: 'recovery-code' }], enroll: [] })
    expect((await app.browser.verify({ otp: app.code() })).status).toBe(200)
    await expectLoggedIn(app.browser)
  })
})
