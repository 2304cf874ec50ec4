import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { startAuth0Emulator, type Auth0Emulator, type EmulatorUser } from '../../lib/testing/emulator.js'
import { authorizeUrl, Browser, CALLBACK, queryOf, VERIFIER } from './browser.js'
import { ADA, API, post, refresh } from './tenant-client.js'

let emulator: Auth0Emulator
let browser: Browser

beforeEach(async () => {
  emulator = await startAuth0Emulator()
  browser = new Browser()
})

afterEach(() => emulator.close())

const exchange = (code: string | undefined, fields: Record<string, string | undefined> = {}) =>
  post(emulator, '/oauth/token', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: CALLBACK,
    code_verifier: VERIFIER,
    ...fields,
  })

async function codeOf(fields: Record<string, string | undefined> = {}) {
  return queryOf(await browser.logIn(emulator, fields)).code
}

describe('/authorize', () => {
  it('shows a page that works without JavaScript, with the login_hint in its form', async () => {
    const start = await browser.open(authorizeUrl(emulator, { login_hint: '"><script>ada@example.com' }))
    expect(start.status).toBe(302)
    const { status, headers, text } = await browser.open(start.location)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(text).toContain('<html lang="en">')
    expect(text).toContain('<label for="username">')
    expect(text).toContain('<label for="password">')
    expect(text).toContain('value="&quot;&gt;&lt;script&gt;ada@example.com"')
    expect(text).not.toContain('<script')
  })

  it('goes back to the application with a code and the state as it came', async () => {
    const state = 'a b+c&d=%20"'
    const page = await browser.logIn(emulator, { state })
    expect(page.status).toBe(302)
    expect(page.location.startsWith(`${CALLBACK}?`)).toBe(true)
    expect(queryOf(page)).toEqual({ code: expect.any(String), state })
  })

  it('returns no state where none came, and keeps the query of the redirect URI', async () => {
    const page = await browser.logIn(emulator, { state: undefined, redirect_uri: `${CALLBACK}?a=1` })
    expect(queryOf(page)).toEqual({ a: '1', code: expect.any(String) })
  })

  it('stays on the page with a sentence after a wrong password, and logs in with the right one', async () => {
    const start = await browser.open(authorizeUrl(emulator))
    const page = await browser.open(start.location)
    const wrong = await browser.submit(page, emulator.domain, { username: 'ada@example.com', password: 'wrong' })
    expect(wrong.status).toBe(400)
    expect(wrong.text).toContain('<p id="problem" role="alert">Wrong email or password.</p>')
    expect(wrong.text).toContain('value="ada@example.com"')
    expect(wrong.text).not.toContain('value="wrong"')
    const right = await browser.submit(wrong, emulator.domain, ADA)
    expect(queryOf(right)).toMatchObject({ code: expect.any(String) })
  })

  it('counts wrong passwords together with those of the password grant', async () => {
    emulator.tenant.bruteForceThreshold = 1
    await post(emulator, '/oauth/token', { grant_type: 'password', ...ADA, password: 'wrong' })
    const page = await browser.logIn(emulator)
    expect(page.status).toBe(429)
    expect(page.text).toContain('Your account has been blocked')
  })

  it.each<[string, Partial<EmulatorUser>]>([
    ['a breached password', { leaked: true }],
    ['an expired password', { passwordExpired: true }],
    ['a password that must be changed', { passwordChangeRequired: true }],
  ])('stays on the page for %s', async (_name, flags) => {
    emulator.users.update(ADA.username, flags)
    const page = await browser.logIn(emulator)
    expect(page.status).toBe(400)
    expect(page.text).toContain('role="alert"')
  })

  it.each<[string, Partial<EmulatorUser>, string, string]>([
    ['a blocked user', { blocked: true }, 'unauthorized', 'user is blocked'],
    ['an Action that denies', { denied: 'Not on Sundays' }, 'access_denied', 'Not on Sundays'],
    ['a Rule that denies', { ruleError: 'no' }, 'unauthorized', 'no'],
  ])('goes back with an error for %s, without a session', async (_name, flags, error, error_description) => {
    emulator.users.update(ADA.username, flags)
    const page = await browser.logIn(emulator)
    expect(queryOf(page)).toEqual({ error, error_description, state: 'the-state' })
    expect(browser.cookies).toBe('')
  })

  it.each<[string, Partial<EmulatorUser>]>([
    ['a second factor', { mfa: true }],
    ['a captcha', { requiresVerification: true }],
    ['an Action that redirects', { interactionRequired: true }],
  ])('logs in a user with %s, which a browser can show', async (_name, flags) => {
    emulator.users.update(ADA.username, flags)
    expect(queryOf(await browser.logIn(emulator))).toMatchObject({ code: expect.any(String) })
  })

  it('logs in to the connection that is asked for, else to the default one', async () => {
    emulator.users.add({ email: 'bob@example.com', password: 'b', connection: 'customers' })
    const bob = { username: 'bob@example.com', password: 'b' }
    expect((await browser.logIn(emulator, {}, bob)).status).toBe(400)
    expect((await browser.logIn(emulator, { connection: 'customers' }, bob)).status).toBe(302)
  })

  it.each([
    ['another response type', { response_type: 'token' }, 'unsupported_response_type', /./],
    ['no response type', { response_type: undefined }, 'invalid_request', /response_type/],
    ['an unknown connection', { connection: 'nowhere' }, 'invalid_request', /connection/],
    ['an unknown audience', { audience: 'https://nowhere' }, 'access_denied', /^Service not found: https:\/\/nowhere$/],
    ['a short challenge', { code_challenge: 'short' }, 'invalid_request', /code_challenge/],
    ['another method', { code_challenge_method: 'S512' }, 'invalid_request', /code_challenge_method/],
    ['prompt=none without a session', { prompt: 'none' }, 'login_required', /./],
  ])('goes back with an error for %s', async (_name, fields, error, description) => {
    const page = await browser.open(authorizeUrl(emulator, fields))
    expect(queryOf(page)).toEqual({ error, error_description: expect.stringMatching(description), state: 'the-state' })
  })

  it('goes back with an error if the client may not use codes', async () => {
    emulator.tenant.grantTypes = ['password']
    expect(queryOf(await browser.open(authorizeUrl(emulator)))).toMatchObject({ error: 'unauthorized_client' })
  })

  it.each([
    ['another client', { client_id: 'somebody' }],
    ['no redirect URI', { redirect_uri: undefined }],
    ['a foreign redirect URI', { redirect_uri: 'https://evil.example' }],
    ['a host that only looks local', { redirect_uri: 'http://127.0.0.1.evil.example/callback' }],
    ['a user in front of the host', { redirect_uri: 'http://localhost:1@evil.example/' }],
    ['a text that is no URL', { redirect_uri: 'callback' }],
  ])('shows an error page and redirects nowhere for %s', async (_name, fields) => {
    const page = await browser.open(authorizeUrl(emulator, fields))
    expect([page.status, page.location]).toEqual([403, ''])
    expect(page.text).toContain('role="alert"')
  })

  it("allows exactly the callbacks in the tenant's list", async () => {
    emulator.tenant.callbacks = [CALLBACK]
    expect((await browser.open(authorizeUrl(emulator))).status).toBe(302)
    for (const redirect_uri of [`${CALLBACK}/`, `${CALLBACK}?a=1`, 'http://127.0.0.1:5556/callback']) {
      expect((await browser.open(authorizeUrl(emulator, { redirect_uri }))).status).toBe(403)
    }
  })

  it('forgets a login page after an hour', async () => {
    const { location } = await browser.open(authorizeUrl(emulator))
    emulator.clock.advance(3600)
    expect((await browser.open(location)).status).toBe(400)
  })
})

describe('the session of a browser', () => {
  it('logs in without the page, with the same sid', async () => {
    const sidOf = async (code: string | undefined) => decodeJwt((await exchange(code)).body.id_token).sid
    const first = await sidOf(await codeOf())
    const second = await browser.open(authorizeUrl(emulator, { prompt: 'none' }))
    expect(await sidOf(queryOf(second).code)).toBe(first)
    expect(first).toEqual(expect.any(String))
  })

  it('is not used for prompt=login, nor where it is older than max_age', async () => {
    await browser.logIn(emulator)
    const isAsked = async (fields: object) =>
      (await browser.open(authorizeUrl(emulator, { ...fields }))).location.includes('/u/login')
    expect(await isAsked({ prompt: 'login' })).toBe(true)
    emulator.clock.advance(120)
    expect(await isAsked({ max_age: '600' })).toBe(false)
    expect(await isAsked({ max_age: '60' })).toBe(true)
    expect(queryOf(await browser.open(authorizeUrl(emulator, { max_age: '60', prompt: 'none' })))).toMatchObject({
      error: 'login_required',
    })
  })

  it('keeps its sid when the same user logs in again, and not for another user', async () => {
    emulator.users.add({ email: 'bob@example.com', password: 'b' })
    const sidOf = async (credentials: typeof ADA) => {
      const { code } = queryOf(await browser.logIn(emulator, { prompt: 'login' }, credentials))
      return decodeJwt((await exchange(code)).body.id_token).sid
    }
    const [ada, again] = [await sidOf(ADA), await sidOf(ADA)]
    expect(again).toBe(ada)
    expect(await sidOf({ username: 'bob@example.com', password: 'b' })).not.toBe(ada)
  })

  it('ends after three days without use and seven days in all', async () => {
    await browser.logIn(emulator)
    const error = async () => queryOf(await browser.open(authorizeUrl(emulator, { prompt: 'none' }))).error
    for (const day of [2, 4, 6]) {
      emulator.clock.advance(2 * 86_400)
      expect([day, await error()]).toEqual([day, undefined])
    }
    emulator.clock.advance(86_400)
    expect(await error()).toBe('login_required')
    await browser.logIn(emulator)
    emulator.clock.advance(3 * 86_400)
    expect(await error()).toBe('login_required')
  })

  it.each<[string, Partial<EmulatorUser>, string]>([
    ['blocked', { blocked: true }, 'unauthorized'],
    ['denied by an Action', { denied: 'no' }, 'access_denied'],
    ['sent to a page by an Action', { interactionRequired: true }, 'interaction_required'],
  ])('does not help a user who is %s under prompt=none', async (_name, flags, error) => {
    await browser.logIn(emulator)
    emulator.users.update(ADA.username, flags)
    expect(queryOf(await browser.open(authorizeUrl(emulator, { prompt: 'none' })))).toMatchObject({ error })
  })

  it('ends when its user is removed', async () => {
    await browser.logIn(emulator)
    emulator.users.remove(ADA.username)
    expect(queryOf(await browser.open(authorizeUrl(emulator, { prompt: 'none' }))).error).toBe('login_required')
  })
})

describe('POST /oauth/token, authorization_code', () => {
  it('answers like the password grants, with sid, nonce and auth_time in a verifiable ID token', async () => {
    const scope = 'openid profile email read:posts'
    const code = await codeOf({ scope, audience: API })
    emulator.clock.advance(5)
    const { status, headers, body } = await exchange(code)
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'id_token', 'token_type'])
    const jwks = createRemoteJWKSet(new URL(`${emulator.domain}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(body.id_token, jwks, { issuer: emulator.issuer, audience: emulator.clientId })
    expect(payload).toMatchObject({ sid: expect.any(String), nonce: 'the-nonce', email: 'ada@example.com' })
    expect(Number(payload.iat) - Number(payload.auth_time)).toBeGreaterThanOrEqual(5)
    const access = decodeJwt(body.access_token)
    expect(access).toMatchObject({ aud: [API, `${emulator.issuer}userinfo`], scope, azp: emulator.clientId })
    expect(access).not.toHaveProperty('gty')
  })

  it('sends no nonce if none was requested', async () => {
    const { body } = await exchange(await codeOf({ nonce: undefined }))
    expect(decodeJwt(body.id_token)).not.toHaveProperty('nonce')
  })

  it('begins a family of refresh tokens that rotates and keeps the sid', async () => {
    const { body } = await exchange(await codeOf({ scope: 'openid offline_access read:posts', audience: API }))
    const refreshed = await refresh(emulator, body.refresh_token)
    const [before, after] = [decodeJwt(body.id_token), decodeJwt(refreshed.body.id_token)]
    expect([after.sid, after.auth_time]).toEqual([before.sid, before.auth_time])
    expect(after).not.toHaveProperty('nonce')
    expect(decodeJwt(refreshed.body.access_token).gty).toBe('refresh_token')
    expect((await refresh(emulator, body.refresh_token)).status).toBe(403)
    expect((await refresh(emulator, refreshed.body.refresh_token)).status).toBe(403)
  })

  it.each([
    ['an unknown code', (_code: string) => exchange('unknown')],
    ['a code that was used', async (code: string) => (await exchange(code), exchange(code))],
    ['an expired code', (code: string) => (emulator.clock.advance(600), exchange(code))],
    ['a code of a user who is gone', (code: string) => (emulator.users.remove(ADA.username), exchange(code))],
  ])('refuses %s', async (_name, attempt) => {
    const { status, body } = await attempt((await codeOf()) ?? '')
    expect([status, body]).toEqual([403, { error: 'invalid_grant', error_description: 'Invalid authorization code' }])
  })

  it('issues tokens once per code, even to concurrent requests', async () => {
    const code = await codeOf()
    const answers = await Promise.all([exchange(code), exchange(code)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403])
  })

  it.each([
    ['another verifier', 'x'.repeat(43)],
    ['no verifier', undefined],
  ])('refuses %s, and the code is spent', async (_name, code_verifier) => {
    const code = await codeOf()
    const { status, body } = await exchange(code, { code_verifier })
    expect([status, body.error, body.error_description]).toEqual([
      403,
      'invalid_grant',
      'Failed to verify code verifier',
    ])
    expect((await exchange(code)).body.error_description).toBe('Invalid authorization code')
  })

  it('takes a plain challenge, and refuses a verifier where there was no challenge', async () => {
    const plain = await codeOf({ code_challenge: VERIFIER, code_challenge_method: undefined })
    expect((await exchange(plain)).status).toBe(200)
    const none = { code_challenge: undefined, code_challenge_method: undefined, prompt: 'login' }
    expect((await exchange(await codeOf(none), { code_verifier: undefined })).status).toBe(200)
    expect((await exchange(await codeOf(none))).status).toBe(403)
  })

  it.each([['http://127.0.0.1:5555/other'], [undefined]])('refuses the redirect URI %s', async (redirect_uri) => {
    const { status, body } = await exchange(await codeOf(), { redirect_uri })
    expect([status, body.error]).toEqual([403, 'unauthorized_client'])
    expect(body.error_description).toContain(`and we expected ${CALLBACK}`)
  })

  it('refuses another client, and a client without the grant', async () => {
    const code = await codeOf()
    expect((await exchange(code, { client_secret: 'wrong' })).status).toBe(401)
    emulator.tenant.grantTypes = ['password']
    expect((await exchange(code)).body.error).toBe('unauthorized_client')
  })

  it('records neither password nor code nor verifier', async () => {
    const code = await codeOf()
    await exchange(code)
    const records = JSON.stringify(emulator.requests)
    for (const secret of [ADA.password, code, VERIFIER]) expect(records).not.toContain(secret)
    expect(emulator.requestsTo('/oauth/token')[0]).toMatchObject({ grantType: 'authorization_code' })
    expect(emulator.requestsTo('/authorize')[0]!.params).toMatchObject({ state: 'the-state', nonce: 'the-nonce' })
  })
})
