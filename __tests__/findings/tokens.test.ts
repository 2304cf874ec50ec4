import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import type { RopgAuth } from '../../lib/index.ts'
import type { EmulatorOptions, EmulatorUserChanges } from '../../lib/testing/index.ts'
import { sendAuthError } from '../promises/support/token-routes.ts'
import {
  logIn,
  logInAndExpire,
  refreshes,
  refusal,
  startSite,
  type Site,
  storedTokens,
  until,
} from '../promises/support/site.ts'
import { sessionIdOf } from '../http/wire.ts'
import { ada } from '../support/app.ts'

const API = 'https://api.example.com'
const OTHER = 'https://other.example.com'
const scopes = ['read:posts', 'write:posts']
const tenant: EmulatorOptions = {
  apis: [
    { audience: API, scopes },
    { audience: OTHER, scopes: ['read:mail'] },
  ],
  refreshPolicies: [{ audience: OTHER, scope: ['read:mail'] }],
}

/** `GET /token` as usual, and `POST /ask`, which passes its body to getAccessToken unchanged. */
const startApi = (more: Parameters<typeof startSite>[0] = {}) =>
  startSite({ emulator: tenant, ...more, options: { audience: API, ...more.options } })

const asked = (query: string) => `/token?${query}`

/** Log lines that ask the operator to change something. */
const hints = (site: Site, about: string | RegExp) =>
  site.logged.filter((line) => line.includes('"cause"') && new RegExp(about).test(line))

describe('findings 20: an expired access token without a refresh token', () => {
  it.each([
    ['for the audience of the login', ''],
    ['by its name', `audience=${API}`],
    ['with a scope of the login', 'scope=read:posts'],
  ])('answers 401 reauthentication_required for %s and keeps the session', async (_title, query) => {
    const site = await startApi({ options: { scope: 'openid profile read:posts' } })
    const { cookie } = await logInAndExpire(site, { remember_me: false })
    for (let times = 0; times < 3; times++) {
      const { status, body } = await site.get(asked(query), cookie)
      expect([status, body]).toEqual([401, refusal('reauthentication_required')])
    }
    expect((await site.get('/auth/user', cookie)).status).toBe(200)
    expect((await site.get('/me', cookie)).status).toBe(200)
    expect(refreshes(site)).toEqual([])
    const [hint, ...more] = hints(site, 'offline_access')
    expect(hint).toMatch(/offline_access.*Allow Offline Access/)
    expect(more).toEqual([])
  })

  it.each([
    ['another audience', `audience=${OTHER}`],
    ['a scope that the login was not granted', 'scope=delete:posts'],
  ])('answers 403 insufficient_scope for %s, even before the token expires', async (_title, query) => {
    const site = await startApi()
    const { cookie } = await logIn(site, { remember_me: false })
    const { status, body } = await site.get(asked(query), cookie)
    expect([status, body.error]).toEqual([403, 'insufficient_scope'])
    expect(hints(site, 'offline_access')).toEqual([expect.stringMatching(/for another audience or scope/)])
  })

  it.each([
    ['without a refresh token', false, /needs a refresh token.*\(not granted: delete:posts\)$/],
    ['with one', true, /Auth0 did not grant delete:posts: check that .*APIs > your API > Permissions/],
  ])('the detail names the scope that was not granted, %s', async (_title, remember_me, detail) => {
    const failures: unknown[] = []
    const site = await startApi({
      after: (app, auth) => {
        app.get('/delete', auth.requireAuth, async (req, res) => {
          failures.push(
            await req.auth.getAccessToken({ scope: 'read:posts delete:posts' }).catch((err: unknown) => err),
          )
          res.end()
        })
      },
    })
    const { cookie } = await logIn(site, { remember_me })
    await site.get('/delete', cookie)
    expect(failures).toEqual([
      expect.objectContaining({ code: 'insufficient_scope', detail: expect.stringMatching(detail) }),
    ])
  })

  it.each([29, 10, 2])('is served with %d s left', async (left) => {
    const site = await startApi()
    site.emulator.tenant.accessTokenTtl = 3600
    const { cookie } = await logIn(site, { remember_me: false })
    site.clock.advance(3600 - left)
    const { status, body } = await site.get('/token', cookie)
    expect(status).toBe(200)
    expect(body.expiresAt - site.clock.now() / 1000).toBeLessThanOrEqual(left)
    expect(hints(site, 'offline_access')).toEqual([])
  })

  it('is replaced by a login on the same session', async () => {
    const site = await startApi()
    const { cookie } = await logInAndExpire(site, { remember_me: false })
    expect((await site.get('/token', cookie)).status).toBe(401)
    const body = { email: ada.email, password: ada.password }
    const again = await site.send('POST', '/auth/login', { cookie, body })
    expect((await site.get('/token', again.headers.get('set-cookie')!.split(';')[0])).status).toBe(200)
  })

  it('is refreshed if there is a refresh token', async () => {
    const site = await startApi()
    const { cookie } = await logInAndExpire(site)
    expect((await site.get('/token', cookie)).status).toBe(200)
    expect(hints(site, 'offline_access')).toEqual([])
  })
})

describe('findings 21: a refresh', () => {
  const CLAIM = 'https://example.com/roles'
  const guarded = (app: Express, auth: RopgAuth) => {
    const ok = (_req: unknown, res: { json: (body: object) => unknown }) => void res.json({})
    app.get('/scope', auth.requireAuth, auth.requireScope('write:posts'), ok)
    app.get('/permission', auth.requireAuth, auth.requirePermission('delete:users'), ok)
    app.get('/role', auth.requireAuth, auth.requireClaim(CLAIM, 'admin'), ok)
  }
  const startGuarded = () =>
    startApi({
      emulator: {
        ...tenant,
        apis: [{ audience: API, scopes, rbac: true }],
        users: [{ ...ada, claims: { [CLAIM]: ['admin'] }, permissions: ['delete:users', 'read:users'] }],
      },
      options: { audience: API, scope: 'openid profile email read:posts write:posts' },
      after: guarded,
    })
  const statuses = async (site: Site, cookie: string) =>
    Promise.all(['/scope', '/permission', '/role'].map(async (path) => (await site.get(path, cookie)).status))

  it.each<[title: string, change: EmulatorUserChanges, expected: object]>([
    ['the name', { name: 'Ada King' }, { name: 'Ada King' }],
    ['the roles', { claims: { [CLAIM]: ['reader'] } }, { [CLAIM]: ['reader'] }],
    ['a claim that is gone', { claims: {} }, { name: ada.name }],
  ])('updates %s in req.auth.user', async (title, change, expected) => {
    const site = await startGuarded()
    const { cookie } = await logInAndExpire(site)
    site.emulator.users.update(ada.email, change)
    expect((await site.get('/me', cookie)).body.user).toMatchObject({ name: ada.name, [CLAIM]: ['admin'] })
    expect((await site.get('/token', cookie)).status).toBe(200)
    const { user } = (await site.get('/me', cookie)).body
    expect(user).toMatchObject(expected)
    expect(CLAIM in user).toBe(title !== 'a claim that is gone')
    expect((await site.get('/auth/user', cookie)).body.user).toEqual(user)
  })

  it('applies removed and added roles and permissions to guards', async () => {
    const site = await startGuarded()
    const { cookie } = await logInAndExpire(site)
    expect(await statuses(site, cookie)).toEqual([200, 200, 200])
    site.emulator.users.update(ada.email, { permissions: ['read:users'], claims: { [CLAIM]: ['reader'] } })
    expect((await site.get('/token', cookie)).status).toBe(200)
    expect(await statuses(site, cookie)).toEqual([200, 403, 403])
    site.emulator.users.update(ada.email, { permissions: ['delete:users'], claims: { [CLAIM]: 'admin' } })
    site.clock.advance(100_000)
    expect((await site.get('/token', cookie)).status).toBe(200)
    expect(await statuses(site, cookie)).toEqual([200, 200, 200])
  })

  it('removes scopes that Auth0 no longer grants', async () => {
    const site = await startGuarded()
    const { cookie } = await logInAndExpire(site)
    expect((await site.get('/scope', cookie)).status).toBe(200)
    site.emulator.failNext({
      grantType: 'refresh_token',
      status: 200,
      body: { access_token: 'opaque', token_type: 'Bearer', expires_in: 3600, scope: 'openid profile read:posts' },
    })
    expect((await site.get('/token', cookie)).status).toBe(200)
    const { status, body } = await site.get('/scope', cookie)
    expect([status, body.error]).toEqual([403, 'insufficient_scope'])
  })

  it.each([
    ['an ID token with fewer claims', 'openid read:posts'],
    ['no ID token', 'read:posts'],
  ])('a refresh for fewer scopes, which brings %s, does not change them', async (_title, scope) => {
    const site = await startGuarded()
    const { cookie } = await logInAndExpire(site)
    const before = (await site.get('/me', cookie)).body
    expect(before.user).toMatchObject({ name: ada.name, email: ada.email })
    const { status, body } = await site.get(asked(`scope=${encodeURIComponent(scope)}`), cookie)
    expect([status, body.scope]).toEqual([200, scope])
    expect((await site.get('/me', cookie)).body).toEqual(before)
    expect(await statuses(site, cookie)).toEqual([200, 200, 200])
  })

  it.each([
    ['another name', { name: 'Mallory' }],
    ['another subject', { sub: 'auth0|mallory' }],
  ])('an ID token with %s under the same signature does not, and the new tokens are kept', async (_title, claims) => {
    const site = await startGuarded()
    const { cookie } = await logInAndExpire(site)
    const before = (await site.get('/me', cookie)).body
    const genuine = await site.auth.client.getTokenByPassword({ username: ada.email, password: ada.password })
    site.emulator.failNext({
      grantType: 'refresh_token',
      status: 200,
      body: {
        ...{ access_token: 'new', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rotated' },
        id_token: forged(genuine.idToken!, claims),
      },
    })
    const { status, body } = await site.get('/token', cookie)
    expect([status, body.accessToken]).toEqual([200, 'new'])
    expect((await site.get('/me', cookie)).body).toEqual(before)
    expect(await storedTokens(site, sessionIdOf(cookie))).toMatchObject({ refreshToken: 'rotated' })
    expect(hints(site, 'the signature of a refreshed ID token could not be verified')).toHaveLength(1)
  })

  it('an exchange for another audience does not change them', async () => {
    const site = await startApi({
      emulator: {
        ...tenant,
        users: [{ ...ada, permissions: ['delete:users'] }],
        apis: [{ audience: API, scopes, rbac: true }, tenant.apis![1]!],
      },
      options: { scope: 'openid profile write:posts' },
      after: guarded,
    })
    const { cookie } = await logIn(site)
    expect((await site.get(asked(`audience=${OTHER}`), cookie)).body).toMatchObject({ audience: OTHER })
    expect(refreshes(site)).toHaveLength(1)
    expect(await statuses(site, cookie)).toEqual([200, 200, 403])
  })
})

/** The token with other claims and its old signature. */
function forged(token: string, claims: object): string {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const known = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  return `${header}.${Buffer.from(JSON.stringify({ ...known, ...claims })).toString('base64url')}.${signature}`
}

describe('findings 22: access tokens that cannot be read', () => {
  const segment = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const TOKENS = {
    opaque: 'tGzv3JOkF0XG5Qx2TlKWIA',
    'encrypted (JWE)': `${segment({ alg: 'dir', enc: 'A256GCM' })}..${'a'.repeat(16)}.${'b'.repeat(80)}.${'c'.repeat(22)}`,
    'of three parts that are no JWT': 'abc.def.ghi',
    'without an audience': `${segment({ alg: 'none' })}.${segment({ sub: 'x' })}.`,
  }
  const answer = (access_token: string, more: object = {}) => ({
    grantType: 'refresh_token',
    status: 200,
    body: { access_token, token_type: 'Bearer', expires_in: 3600, ...more },
  })

  it.each(Object.entries(TOKENS))('%s: works for the configured audience with one refresh', async (_title, token) => {
    const site = await startApi()
    const { cookie } = await logInAndExpire(site)
    site.emulator.failNext(answer(token))
    for (const query of ['', `audience=${API}`, '', `audience=${API}`]) {
      const { status, body } = await site.get(asked(query), cookie)
      expect([status, body.accessToken, body.audience]).toEqual([200, token, API])
    }
    expect(refreshes(site)).toHaveLength(1)
  })

  it.each(Object.entries(TOKENS))('%s: works for another audience with one exchange', async (_title, token) => {
    const site = await startApi()
    const { cookie } = await logIn(site)
    site.emulator.failNext(answer(token))
    for (let times = 0; times < 3; times++) {
      const { status, body } = await site.get(asked(`audience=${OTHER}`), cookie)
      expect([status, body.accessToken, body.audience]).toEqual([200, token, OTHER])
    }
    expect(refreshes(site)).toHaveLength(1)
  })

  it('are accepted from the login on in a tenant without a configured audience', async () => {
    const site = await startSite({ emulator: tenant })
    const { cookie } = await logIn(site)
    const { status, body } = await site.get('/token', cookie)
    expect([status, body.accessToken.split('.').length]).toEqual([200, 1])
    expect(refreshes(site)).toEqual([])
  })

  it('are refused if they are readable and for another audience', async () => {
    const site = await startApi()
    const { cookie } = await logIn(site)
    const token = `${segment({ alg: 'none' })}.${segment({ aud: 'https://third.example.com' })}.`
    site.emulator.failNext(answer(token))
    const { status, body } = await site.get(asked(`audience=${OTHER}`), cookie)
    expect([status, body.error]).toEqual([500, 'configuration_error'])
    expect(JSON.stringify(body)).not.toContain(token)
  })
})

describe('findings 23: user input as an argument of getAccessToken', () => {
  const startAsking = async () => {
    let asking = 0
    const site = await startApi({
      after: (app, auth) => {
        app.set('query parser', 'extended')
        app.get('/ask', auth.requireAuth, async (req, res) => {
          try {
            const token = req.auth.getAccessToken(req.query)
            asking++
            res.json(await token)
          } catch (err) {
            sendAuthError(err, res)
          }
        })
        app.get('/given/:place', auth.requireAuth, async (req, res) => {
          try {
            res.json(await req.auth.getAccessToken(WRONG[Number(req.params.place)]![1] as object))
          } catch (err) {
            sendAuthError(err, res)
          }
        })
      },
    })
    return { ...site, asking: () => asking }
  }

  class Inherits {
    audience = OTHER
  }

  const WRONG: [title: string, value: unknown][] = [
    ['null', null],
    ['a string', OTHER],
    ['an empty string', ''],
    ['a number', 0],
    ['true', true],
    ['a list', [OTHER]],
    ['an empty list', []],
    ['a function', () => OTHER],
    ['a Map', new Map([['audience', OTHER]])],
    ['an instance of a class', new Inherits()],
    ['a misspelt member', { audiance: OTHER }],
    ['a refresh token', { refreshToken: 'stolen' }],
    ['a parameter of Auth0', { grant_type: 'client_credentials' }],
    ['an audience that is null', { audience: null }],
    ['a list of scopes', { scope: ['read:posts'] }],
    ['an empty scope', { scope: '' }],
    ['a blank audience', { audience: '  ' }],
    ['a number for the audience', { audience: 7 }],
    ['an object for the scope', { scope: { toString: () => 'read:posts' } }],
  ]

  it.each(WRONG.map(([title], place) => [title, place] as const))('%s is invalid_request', async (_title, place) => {
    const site = await startAsking()
    const { cookie } = await logIn(site)
    const { status, body } = await site.get(`/given/${place}`, cookie)
    expect([status, body]).toEqual([400, { ...refusal('invalid_request'), fields: expect.any(Object) }])
    expect(JSON.stringify(body)).not.toMatch(/example\.com|stolen|client_credentials/)
    expect(refreshes(site)).toEqual([])
  })

  it.each([
    ['an audience five times', `audience=${OTHER}&audience=a&audience=b&audience=c&audience=d`],
    ['a list of scopes', 'scope[]=read:posts&scope[]=write:posts'],
    ['an object for the scope', 'scope[a]=read:posts'],
    ['a refresh token', 'refreshToken=stolen'],
    ['a refresh token beside an audience', `audience=${OTHER}&refreshToken=stolen`],
    ['an empty audience', 'audience='],
    ['a prototype', '__proto__[audience]=x&constructor=y'],
    ['anything else', 'client_id=evil&grant_type=password'],
  ])('req.query with %s is invalid_request', async (_title, query) => {
    const site = await startAsking()
    const { cookie } = await logIn(site)
    const { status, body } = await site.get(`/ask?${query}`, cookie)
    expect([status, body.error]).toEqual([400, 'invalid_request'])
    expect(refreshes(site)).toEqual([])
  })

  it.each([
    ['nothing', ''],
    ['an audience and a scope', `audience=${OTHER}&scope=read:mail`],
  ])('req.query with %s is accepted, and only audience and scope are sent', async (_title, query) => {
    const site = await startAsking()
    const { cookie } = await logInAndExpire(site)
    expect((await site.get(`/ask?${query}`, cookie)).status).toBe(200)
    const [refresh] = refreshes(site)
    const own = ['client_id', 'client_secret', 'grant_type', 'refresh_token']
    expect(Object.keys(refresh!.params).sort()).toEqual([...own, ...(query ? ['audience', 'scope'] : [])].sort())
  })

  it.each([
    ['another audience', `audience=${OTHER}`, 200],
    ['another audience and a scope of it', `audience=${OTHER}&scope=read:mail`, 200],
    ['a scope that is never granted', 'scope=delete:everything', 403],
    ['an audience that no policy allows', 'audience=https://unknown.example.com', 500],
  ])('five concurrent calls for %s cost at most one exchange', async (_title, query, expected) => {
    const site = await startAsking()
    const { cookie } = await logIn(site)
    const gate = site.emulator.hold({ grantType: 'refresh_token' })
    const answers = Array.from({ length: 5 }, () => site.get(`/ask?${query}`, cookie))
    await gate.arrived
    await until(() => site.asking() === 5)
    // Redis answers in order, so each request has read its tokens once a later request is answered.
    await site.get('/me', cookie)
    gate.release()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(5).fill(expected))
    expect(refreshes(site)).toHaveLength(1)
    expect((await site.get('/me', cookie)).status).toBe(200)
  })

  it.each([
    ['another audience', `audience=${OTHER}`],
    ['a narrower scope', 'scope=read:posts'],
  ])('five sequential calls for %s cost one exchange', async (_title, query) => {
    const site = await startAsking()
    const { cookie } = await logIn(site)
    for (let times = 0; times < 5; times++) expect((await site.get(`/ask?${query}`, cookie)).status).toBe(200)
    expect(refreshes(site).length).toBeLessThanOrEqual(1)
  })
})
