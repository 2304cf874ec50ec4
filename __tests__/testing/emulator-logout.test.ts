import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose'
import { startAuth0Emulator, type Auth0Emulator } from '../../lib/testing/emulator.js'
import { authorizeUrl, Browser, CALLBACK, queryOf, VERIFIER } from './browser.js'
import { post } from './tenant-client.js'

const BYE = 'http://localhost:5555/bye'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

let emulator: Auth0Emulator
let browser: Browser

async function start(options: Parameters<typeof startAuth0Emulator>[0] = {}) {
  emulator = await startAuth0Emulator(options)
  browser = new Browser()
}

beforeEach(() => start())

afterEach(() => emulator.close())

async function logIn(): Promise<{ idToken: string; claims: JWTPayload & { sid: string } }> {
  const { code } = queryOf(await browser.logIn(emulator))
  const fields = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: VERIFIER }
  const { id_token: idToken } = (await post(emulator, '/oauth/token', fields)).body
  return { idToken, claims: decodeJwt(idToken) }
}

const leave = (fields: Record<string, string>, path = '/oidc/logout') =>
  browser.open(`${emulator.domain}${path}?${new URLSearchParams(fields).toString()}`)

async function isLoggedIn(): Promise<boolean> {
  return queryOf(await browser.open(authorizeUrl(emulator, { prompt: 'none' }))).error !== 'login_required'
}

describe('/oidc/logout', () => {
  it('ends the session of an ID token and goes back with the state', async () => {
    const { idToken } = await logIn()
    const page = await leave({ id_token_hint: idToken, post_logout_redirect_uri: BYE, state: 'x y' })
    expect([page.status, page.location]).toEqual([302, `${BYE}?state=x+y`])
    expect(browser.cookies).toBe('')
    expect(await isLoggedIn()).toBe(false)
    expect(JSON.stringify(emulator.requests)).not.toContain(idToken)
  })

  it('ends the session of a logout_hint with a client_id, also by POST', async () => {
    const { claims } = await logIn()
    const body = new URLSearchParams({
      logout_hint: claims.sid,
      client_id: emulator.clientId,
      post_logout_redirect_uri: BYE,
    })
    const page = await browser.open(`${emulator.domain}/oidc/logout`, { method: 'POST', body })
    expect([page.status, page.location]).toEqual([302, BYE])
    expect(await isLoggedIn()).toBe(false)
  })

  it('accepts an expired ID token', async () => {
    emulator.tenant.idTokenTtl = 1
    const { idToken } = await logIn()
    emulator.clock.advance(600)
    expect((await leave({ id_token_hint: idToken, post_logout_redirect_uri: BYE })).status).toBe(302)
  })

  it.each([
    ['no hint', () => ({})],
    ['a hint of another session', () => ({ logout_hint: 'other', client_id: emulator.clientId })],
    ['a logout_hint without a client', (sid: string) => ({ logout_hint: sid })],
  ])('asks the user first for %s', async (_name, hintFor) => {
    const { claims } = await logIn()
    const asked = await leave({ ...hintFor(claims.sid), post_logout_redirect_uri: BYE, state: '"<s>' })
    expect([asked.status, asked.location]).toEqual([200, ''])
    expect(await isLoggedIn()).toBe(true)
    const done = await browser.submit(asked, emulator.domain, {})
    expect(done.status).toBe(302)
    expect(queryOf(done).state).toBe('"<s>')
    expect(await isLoggedIn()).toBe(false)
  })

  it('does not ask if the tenant does not prompt', async () => {
    emulator.tenant.logoutPrompt = false
    await logIn()
    expect((await leave({ post_logout_redirect_uri: BYE })).location).toBe(BYE)
    expect(await isLoggedIn()).toBe(false)
  })

  it.each<[string, (login: { idToken: string; sid: string }) => Record<string, string>]>([
    ['a false ID token', ({ idToken }) => ({ id_token_hint: `${idToken.slice(0, -8)}AAAAAAAA` })],
    [
      'an ID token of another session than logout_hint',
      ({ idToken }) => ({ id_token_hint: idToken, logout_hint: 'x' }),
    ],
    ['another client', ({ idToken }) => ({ id_token_hint: idToken, client_id: 'somebody' })],
    ['a foreign URL', ({ sid }) => ({ logout_hint: sid, post_logout_redirect_uri: 'https://evil.example/' })],
    ['an address that only looks local', () => ({ post_logout_redirect_uri: 'http://localhost.evil.example/' })],
  ])('shows an error page and ends nothing for %s', async (_name, fieldsFor) => {
    const { idToken, claims } = await logIn()
    const page = await leave(fieldsFor({ idToken, sid: claims.sid }))
    expect([page.status, page.location]).toEqual([400, ''])
    expect(await isLoggedIn()).toBe(true)
  })

  it('compares with the list of the tenant exactly, query included', async () => {
    emulator.tenant.logoutUrls = [BYE]
    emulator.tenant.logoutPrompt = false
    expect((await leave({ post_logout_redirect_uri: BYE })).status).toBe(302)
    expect((await leave({ post_logout_redirect_uri: `${BYE}?a=1` })).status).toBe(400)
    expect((await leave({ post_logout_redirect_uri: `${BYE}/` })).status).toBe(400)
  })

  it('goes to the first URL of the list for a client_id alone, else says that all is done', async () => {
    emulator.tenant.logoutUrls.push(BYE, 'http://localhost/second')
    emulator.tenant.logoutPrompt = false
    expect((await leave({ client_id: emulator.clientId })).location).toBe(BYE)
    const page = await leave({})
    expect(page.status).toBe(200)
    expect(page.text).toContain('You are logged out.')
  })

  it('is missing, also in the discovery document, if RP-initiated logout is off', async () => {
    const discover = async () => (await fetch(`${emulator.domain}/.well-known/openid-configuration`)).json()
    expect(await discover()).toHaveProperty('end_session_endpoint')
    emulator.tenant.rpLogout = false
    expect(await discover()).not.toHaveProperty('end_session_endpoint')
    expect((await leave({ post_logout_redirect_uri: BYE })).status).toBe(404)
  })

  it('accepts the ID tokens of a tenant with HS256', async () => {
    await emulator.close()
    await start({ idTokenSigningAlg: 'HS256' })
    const { idToken } = await logIn()
    expect((await leave({ id_token_hint: idToken, post_logout_redirect_uri: BYE })).status).toBe(302)
    expect((await leave({ id_token_hint: 'x.y.z', post_logout_redirect_uri: BYE })).status).toBe(400)
  })
})

describe('/v2/logout', () => {
  it('ends the session without a question, and does not compare the query of returnTo', async () => {
    emulator.tenant.logoutUrls = [BYE]
    await logIn()
    const returnTo = `${BYE}?a=1#b`
    const page = await leave({ returnTo, client_id: emulator.clientId, federated: '' }, '/v2/logout')
    expect([page.status, page.location]).toEqual([302, returnTo])
    expect(await isLoggedIn()).toBe(false)
  })

  it.each([
    ['a foreign URL', { returnTo: 'https://evil.example/' }],
    ['another path', { returnTo: `${BYE}/x` }],
    ['another client', { returnTo: BYE, client_id: 'somebody' }],
  ])('refuses %s', async (_name, fields) => {
    emulator.tenant.logoutUrls = [BYE]
    await logIn()
    expect((await leave(fields, '/v2/logout')).status).toBe(400)
    expect(await isLoggedIn()).toBe(true)
  })

  it('goes to the first URL of the list without returnTo', async () => {
    emulator.tenant.logoutUrls = [BYE]
    expect((await leave({ client_id: emulator.clientId }, '/v2/logout')).location).toBe(BYE)
    expect((await leave({}, '/v2/logout')).status).toBe(200)
  })
})

describe('logoutToken', () => {
  it('is what Auth0 sends', async () => {
    const token = await emulator.logoutToken({ sub: 'auth0|1', sid: 'the-sid' })
    const jwks = createRemoteJWKSet(new URL(`${emulator.domain}/.well-known/jwks.json`))
    const { payload, protectedHeader } = await jwtVerify(token, jwks)
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) })
    expect(payload).toEqual({
      iss: emulator.issuer,
      aud: emulator.clientId,
      sub: 'auth0|1',
      sid: 'the-sid',
      iat: expect.any(Number),
      exp: Number(payload.iat) + 120,
      jti: expect.any(String),
      events: { [EVENT]: {} },
      trace_id: expect.any(String),
    })
  })

  it('has a jti of its own each time, and the time of the emulator', async () => {
    const first = decodeJwt(await emulator.logoutToken())
    emulator.clock.advance(1000)
    const second = decodeJwt(await emulator.logoutToken())
    expect(second.jti).not.toBe(first.jti)
    expect(second.iat! - first.iat!).toBeGreaterThanOrEqual(1000)
  })

  it('removes, adds, and replaces members', async () => {
    const changes = { sub: 'x', jti: undefined, nonce: 'n', header: { typ: 'logout+jwt', kid: undefined } }
    const token = await emulator.logoutToken(changes)
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', typ: 'logout+jwt' })
    expect(decodeJwt(token)).toMatchObject({ sub: 'x', nonce: 'n' })
    for (const absent of ['jti', 'sid']) expect(decodeJwt(token)).not.toHaveProperty(absent)
  })

  it('is signed with a foreign key, with the client secret, or not at all', async () => {
    const jwks = createRemoteJWKSet(new URL(`${emulator.domain}/.well-known/jwks.json`))
    const foreign = await emulator.logoutToken({ key: 'foreign' })
    await expect(jwtVerify(foreign, jwks)).rejects.toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
    const shared = await emulator.logoutToken({ header: { alg: 'HS256' } })
    const secret = new TextEncoder().encode(emulator.clientSecret)
    expect((await jwtVerify(shared, secret)).payload.iss).toBe(emulator.issuer)
    await expect(
      jwtVerify(await emulator.logoutToken({ header: { alg: 'HS256' }, key: 'foreign' }), secret),
    ).rejects.toThrow()
    expect(await emulator.logoutToken({ header: { alg: 'none' } })).toMatch(/^[\w-]+\.[\w-]+\.$/)
    expect(decodeProtectedHeader(await emulator.logoutToken({ header: { alg: 'PS256' } })).alg).toBe('PS256')
  })
})

describe('back-channel logout', () => {
  async function receive(status: number) {
    const received: string[] = []
    const server = createServer((req, res) => {
      void text(req).then((body) => {
        received.push(`${req.method} ${req.headers['content-type']} ${body}`)
        res.writeHead(status, { location: '/elsewhere' }).end()
      })
    })
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/backchannel-logout`
    return { url, received, close: () => new Promise((done) => server.close(done)) }
  }

  it.each([200, 302, 400])('posts a token when a session ends, and goes on after %d', async (status) => {
    const receiver = await receive(status)
    emulator.tenant.backchannelLogoutUrl = receiver.url
    const { claims } = await logIn()
    const fields = { logout_hint: claims.sid, client_id: emulator.clientId, post_logout_redirect_uri: BYE }
    expect((await leave(fields)).location).toBe(BYE)
    expect(receiver.received).toHaveLength(1)
    const [, token = ''] =
      /^POST application\/x-www-form-urlencoded.* logout_token=(.*)$/.exec(receiver.received[0]!) ?? []
    expect(decodeJwt(token)).toMatchObject({ sub: claims.sub, sid: claims.sid })
    emulator.tenant.logoutPrompt = false
    await leave(fields)
    expect(receiver.received).toHaveLength(1)
    await receiver.close()
  })

  it('redirects even if the connection is refused', async () => {
    const { url, close } = await receive(200)
    await close()
    emulator.tenant.backchannelLogoutUrl = url
    const { idToken } = await logIn()
    expect((await leave({ id_token_hint: idToken, post_logout_redirect_uri: BYE })).location).toBe(BYE)
  })

  it('is in the discovery document where the tenant has a URL', async () => {
    const discover = async () => (await fetch(`${emulator.domain}/.well-known/openid-configuration`)).json()
    expect(await discover()).not.toHaveProperty('backchannel_logout_supported')
    emulator.tenant.backchannelLogoutUrl = 'http://127.0.0.1:1/'
    expect(await discover()).toMatchObject({
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    })
  })
})
