import { describe, expect, it } from '@jest/globals'
import type { Request } from 'express'
import type { AuthError, RopgAuth } from '../../lib/index.ts'
import type { Fault } from '../../lib/testing/emulator.ts'
import {
  type Answer,
  gate,
  keysOf,
  type LoggedIn,
  logInAndExpire,
  refreshes,
  refusal,
  revoked,
  sessionKeysOf,
  type Site,
  startSite,
  startTwin,
  storedTokens,
  until,
} from './support/site.ts'
import { ada } from '../support/app.ts'
import { logIn as logInAtAuth0 } from '../testing/tenant-client.ts'

const ofRefresh = { grantType: 'refresh_token' }
/** Timeout for missing responses. */
const impatient = { auth0: 700, redis: 1000 }

const timeoutsFor = ({ hang, delay }: Fault) => (hang || delay ? { timeouts: impatient } : {})

type Row = [name: string, fault: Fault, retryAfter: string]

const html = { body: '<html>Bad gateway</html>', headers: { 'content-type': 'text/html' } }

/** Faults that do not spend the refresh token. */
const transient: Row[] = [
  ['an empty 500', { status: 500 }, '5'],
  ['500 with JSON', { status: 500, body: { error: 'server_error' } }, '5'],
  ['503 with Retry-After', { status: 503, headers: { 'retry-after': '7' } }, '7'],
  ['502 with HTML', { status: 502, ...html }, '5'],
  ['200 with HTML', { status: 200, ...html }, '5'],
  ['403 with HTML', { status: 403, ...html }, '5'],
  ['429 with Retry-After', { status: 429, body: { error: 'too_many_requests' }, headers: { 'retry-after': '9' } }, '9'],
  ['429 without a body', { status: 429 }, '5'],
  ['429 of attack protection', { status: 429, body: { error: 'too_many_attempts' } }, '5'],
  ['no answer', { hang: true }, '5'],
  ['an answer that comes too late', { delay: 2000, status: 500 }, '5'],
  ['a reset connection', { reset: true }, '5'],
]

/** Definite refusals. */
const definite: [name: string, act: (site: Site, token: string) => void][] = [
  ['invalid_grant', ({ emulator }, token) => emulator.refreshTokens.revoke(token)],
  ['access_denied of an Action', ({ emulator }) => emulator.users.update(ada.email, { denied: 'no more' })],
  ['a blocked user', ({ emulator }) => emulator.users.update(ada.email, { blocked: true })],
  ['a user who was deleted', ({ emulator }) => emulator.users.remove(ada.email)],
  [
    '403 access_denied for a revoked token',
    ({ emulator }) => emulator.failNext({ ...ofRefresh, status: 403, body: { error: 'access_denied' } }),
  ],
  [
    '401 invalid_grant, as old tenants say it',
    ({ emulator }) => emulator.failNext({ ...ofRefresh, status: 401, body: { error: 'invalid_grant' } }),
  ],
]

/** A token with 20 s left: refreshed if possible, otherwise still returned. */
async function logInWithLittleLeft(site: Site): Promise<LoggedIn> {
  const loggedIn = await logInAndExpire(site)
  site.clock.advance(-21)
  return loggedIn
}

function expectUnavailable({ status, body, headers }: Answer, retryAfter: string): void {
  expect([status, body]).toEqual([503, refusal('auth_unavailable')])
  expect(headers.get('retry-after')).toBe(retryAfter)
  expect(headers.get('set-cookie')).toBeNull()
}

describe.each(transient)('when Auth0 answers a refresh with %s', (_name, fault, retryAfter) => {
  it('promise 4: returns a still valid token and tries again at the next call', async () => {
    const site = await startSite({ options: timeoutsFor(fault) })
    const { cookie, id } = await logInWithLittleLeft(site)
    const before = (await storedTokens(site, id))!
    site.emulator.failNext({ ...ofRefresh, ...fault })

    const served = await site.get('/token', cookie)
    const next = await site.get('/token', cookie)

    expect([served.status, served.body.accessToken]).toEqual([200, before.tokenSets[0]!.accessToken])
    expect(next.status).toBe(200)
    expect(next.body.accessToken).toBe((await storedTokens(site, id))!.tokenSets[0]!.accessToken)
    expect(refreshes(site)).toHaveLength(2)
  })

  it('promise 4: answers 503 if the token has expired, keeps the session, and succeeds at the next call', async () => {
    const site = await startSite({ options: timeoutsFor(fault) })
    const { cookie, id } = await logInAndExpire(site)
    const before = await storedTokens(site, id)
    site.emulator.failNext({ ...ofRefresh, ...fault })

    expectUnavailable(await site.get('/token', cookie), retryAfter)

    expect(await storedTokens(site, id)).toEqual(before)
    expect((await site.get('/me', cookie)).status).toBe(200)
    expect((await site.get('/token', cookie)).status).toBe(200)
    expect(site.emulator.refreshTokens.families()).toBe(1)
    expect(refreshes(site)).toHaveLength(2)
  })
})

describe('during an Auth0 outage', () => {
  it('promise 4: all callers share one attempt and get 503, and the session survives', async () => {
    let waiting = 0
    const site = await startSite({ asked: () => waiting++ })
    const { cookie } = await logInAndExpire(site)
    const gate = site.emulator.hold(ofRefresh)
    site.emulator.failNext({ ...ofRefresh, status: 503 })
    const answers = Array.from({ length: 20 }, () => site.get('/token', cookie))
    await gate.arrived
    // Each call reads the record before it joins the refresh.
    await until(() => waiting === 20)
    await site.get('/me', cookie)

    gate.release()

    for (const answer of await Promise.all(answers)) expectUnavailable(answer, '5')
    expect(refreshes(site)).toHaveLength(1)
    expect((await site.get('/token', cookie)).status).toBe(200)
  })

  it('promise 4: other processes make their own attempt instead of failing with the first', async () => {
    const site = await startSite()
    const twin = await startTwin(site)
    const { cookie } = await logInAndExpire(site)
    const gate = site.emulator.hold(ofRefresh)
    site.emulator.failNext({ ...ofRefresh, status: 503 })
    const first = site.get('/token', cookie)
    await gate.arrived
    const second = twin.get('/token', cookie)

    gate.release()

    expectUnavailable(await first, '5')
    expect((await second).status).toBe(200)
    expect(refreshes(site)).toHaveLength(2)
  })
})

describe("when Auth0's response is lost after the rotation", () => {
  const lost: [string, Fault][] = [
    ['a reset connection', { reset: true }],
    ['half an answer', { truncate: true }],
    ['no answer', { hang: true }],
    ['503', { status: 503 }],
  ]

  it.each(lost)("promise 4: %s within the tenant's leeway is recovered by the next call", async (_name, fault) => {
    const site = await startSite({ options: timeoutsFor(fault), emulator: { leeway: 60 } })
    const { cookie, id } = await logInAndExpire(site)
    site.emulator.failNext({ ...ofRefresh, ...fault, afterProcessing: true })

    expectUnavailable(await site.get('/token', cookie), '5')

    expect((await site.get('/token', cookie)).status).toBe(200)
    expect(site.emulator.refreshTokens.isActive((await storedTokens(site, id))!.refreshToken!)).toBe(true)
  })

  it.each(lost)('promise 4: %s without a leeway ends the session with session_expired', async (_name, fault) => {
    const site = await startSite({ options: timeoutsFor(fault) })
    const { cookie } = await logInAndExpire(site)
    site.emulator.failNext({ ...ofRefresh, ...fault, afterProcessing: true })

    expectUnavailable(await site.get('/token', cookie), '5')

    const { status, body } = await site.get('/token', cookie)
    expect([status, body]).toEqual([401, refusal('session_expired')])
    expect(await keysOf(site)).toEqual([])
  })
})

describe.each(definite)('when Auth0 refuses a refresh: %s', (_name, act) => {
  it.each([
    ['expired', logInAndExpire],
    ['still valid for 20 s', logInWithLittleLeft],
  ])('promise 4: ends the session on every process if the token is %s', async (_token, login) => {
    const site = await startSite()
    const twin = await startTwin(site)
    const { cookie, id } = await login(site)
    act(site, (await storedTokens(site, id))!.refreshToken!)

    const { status, body, headers } = await site.get('/token', cookie)

    expect([status, body]).toEqual([401, refusal('session_expired')])
    // The browser may have logged in again, so its cookie must not be cleared.
    expect(headers.get('set-cookie')).toBeNull()
    expect(await keysOf(site)).toEqual([])
    for (const answer of [await site.get('/me', cookie), await twin.get('/token', cookie)]) {
      expect([answer.status, answer.body]).toEqual([401, refusal('session_expired')])
    }
    expect(await keysOf(site)).toEqual([])
    expect(refreshes(site)).toHaveLength(1)
  })
})

describe('when a refresh is refused after its request has moved on', () => {
  async function refusedLater(meanwhile: (req: Request, auth: RopgAuth) => Promise<unknown>) {
    const refused = gate()
    const changed = gate()
    const site = await startSite({
      after: (app, auth) => {
        app.post('/change', auth.requireAuth, async (req, res) => {
          const token = req.auth.getAccessToken().catch((err: unknown) => (err as AuthError).code)
          await refused.opened
          await meanwhile(req, auth)
          res.json({})
          changed.open()
          const told = await token
          if (typeof told === 'string') site.logged.push(told)
        })
      },
    })
    const { cookie, id } = await logInAndExpire(site)
    const held = site.emulator.hold(ofRefresh)
    site.emulator.failNext({ ...ofRefresh, status: 403, body: { error: 'invalid_grant' } })
    const answer = site.send('POST', '/change', { cookie })
    await held.arrived
    refused.open()
    await changed.opened
    held.release()
    await until(() => site.logged.includes('session_expired'))
    return { site, cookie, id, fresh: (await answer).headers.get('set-cookie')?.split(';')[0] }
  }

  it('promise 4: a login in the same request keeps its new session', async () => {
    const { site, fresh } = await refusedLater((req, auth) =>
      auth.login(req, { username: ada.email, password: ada.password, rememberMe: true }),
    )

    expect((await site.get('/me', fresh)).status).toBe(200)
    expect((await site.get('/token', fresh)).status).toBe(200)
  })

  it('promise 4: a request that has dropped its session still ends the refused one', async () => {
    const { site, cookie, id } = await refusedLater(async (req) => Object.assign(req, { session: null }))

    expect((await site.get('/me', cookie)).status).toBe(401)
    expect(await sessionKeysOf(site, id)).toEqual([])
  })
})

describe("when Auth0 answers a refresh with another user's tokens", () => {
  const bob = { email: 'bob@example.com', password: 'an even longer passphrase' }

  it('promise 4: ends the session, revokes the refresh token, and exposes nothing of the other user', async () => {
    const theirs: Record<string, unknown> = {}
    const issued: string[] = []
    const mixUp: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init)
      const grantType = new URLSearchParams(init?.body as URLSearchParams).get('grant_type')
      if (grantType !== 'refresh_token') return answer
      const ours = (await answer.json()) as { refresh_token: string }
      issued.push(ours.refresh_token)
      return Response.json({ ...ours, ...theirs })
    }
    const site = await startSite({ seams: { fetch: mixUp } })
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const { refreshToken } = (await storedTokens(site, id))!
    site.emulator.users.add(bob)
    const { body: others } = await logInAtAuth0(site.emulator, { username: bob.email, password: bob.password })
    Object.assign(theirs, { access_token: others.access_token, id_token: others.id_token })

    const answer = await site.get('/token', cookie)

    expect([answer.status, answer.body]).toEqual([401, refusal('session_expired')])
    expect(site.events.at(-1)).toMatchObject({ name: 'token.refresh_failed', code: 'session_expired' })
    for (const later of [await site.get('/me', cookie), await site.get('/token', cookie)]) {
      expect([later.status, later.body]).toEqual([401, refusal('session_expired')])
    }
    expect((await twin.get('/token', cookie)).body).toEqual(refusal('session_expired'))
    expect(refreshes(site)).toHaveLength(1)
    await site.auth.close()
    expect(await keysOf(site)).toEqual([])
    // The spent token is revoked together with the session.
    expect(revoked(site).sort()).toEqual([...issued, refreshToken].sort())
    expect(site.emulator.refreshTokens.families()).toBe(0)
    expect(JSON.stringify(site.events) + site.logged.join()).not.toContain(others.access_token)
  })
})

describe('when Auth0 requires more for a refresh', () => {
  it('promise 4: answers mfa_required and keeps the session', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)
    const before = await storedTokens(site, id)
    const body = {
      error: 'mfa_required',
      error_description: 'Multifactor authentication required',
      mfa_token: 'Fe26..',
    }
    site.emulator.failNext({ ...ofRefresh, status: 403, body })

    const answer = await site.get('/token', cookie)

    expect([answer.status, answer.body]).toEqual([403, refusal('mfa_required')])
    expect(JSON.stringify(site.events) + site.logged.join()).not.toContain('Fe26')
    expect(await storedTokens(site, id)).toEqual(before)
    expect((await site.get('/me', cookie)).status).toBe(200)
    expect((await site.get('/token', cookie)).status).toBe(200)
  })

  it.each([
    ['invalid_client', 401],
    ['unauthorized_client', 403],
    ['invalid_request', 400],
  ])('promise 4: treats %s as a configuration error and keeps the session', async (error, status) => {
    const site = await startSite()
    const { cookie } = await logInAndExpire(site)
    site.emulator.failNext({ ...ofRefresh, status, body: { error } })

    const answer = await site.get('/token', cookie)

    expect([answer.status, answer.body]).toEqual([500, refusal('configuration_error')])
    expect((await site.get('/token', cookie)).status).toBe(200)
  })
})

describe('a token that is still valid for 20 s', () => {
  it.each([
    ['invalid_client', 401],
    ['unauthorized_client', 403],
    ['invalid_request', 400],
  ])('promise 4: is returned although Auth0 refuses its refresh with %s', async (error, status) => {
    const site = await startSite()
    const { cookie, id } = await logInWithLittleLeft(site)
    const before = (await storedTokens(site, id))!
    site.emulator.failNext({ ...ofRefresh, status, body: { error } })

    const answer = await site.get('/token', cookie)

    expect([answer.status, answer.body.accessToken]).toEqual([200, before.tokenSets[0]!.accessToken])
    expect(site.events.at(-1)).toMatchObject({ name: 'token.refresh_failed', code: 'configuration_error' })
  })
})

describe('a session without a refresh token', () => {
  it('promise 4: returns its access token until it expires', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site, { remember_me: false })
    site.clock.advance(-21)

    const { status, body } = await site.get('/token', cookie)

    expect([status, body.accessToken]).toEqual([200, (await storedTokens(site, id))!.tokenSets[0]!.accessToken])
  })

  it('promise 4: survives an expired access token, and only getAccessToken rejects', async () => {
    const site = await startSite()
    const { cookie } = await logInAndExpire(site, { remember_me: false })

    const { status, body } = await site.get('/token', cookie)

    expect([status, body]).toEqual([401, refusal('reauthentication_required')])
    expect((await site.get('/me', cookie)).status).toBe(200)
    expect(refreshes(site)).toHaveLength(0)
  })
})
