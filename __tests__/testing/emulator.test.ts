import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose'
import { startAuth0Emulator, type Auth0Emulator } from '../../lib/testing/emulator.js'
import { ADA, API, logIn, post, REALM_GRANT, replyOf } from './tenant-client.js'

let emulator: Auth0Emulator

beforeEach(async () => {
  emulator = await startAuth0Emulator()
})

afterEach(() => emulator.close())

async function restart(...options: Parameters<typeof startAuth0Emulator>) {
  await emulator.close()
  emulator = await startAuth0Emulator(...options)
}

async function getJson(path: string) {
  return (await replyOf(await fetch(emulator.domain + path))).body
}

describe('startAuth0Emulator', () => {
  it('refuses to run in production', async () => {
    const restore = jest.replaceProperty(process.env, 'NODE_ENV', 'production')
    await expect(startAuth0Emulator()).rejects.toThrow('refuses to run in production')
    restore.restore()
  })

  it('prints nothing while it starts and answers', async () => {
    const said = (['warn', 'info', 'error', 'log'] as const).map((name) => jest.spyOn(console, name))
    await restart()
    await getJson('/.well-known/openid-configuration')
    for (const spy of said) {
      expect(spy).not.toHaveBeenCalled()
      spy.mockRestore()
    }
  })

  it('leaves console.warn as it was, also when two start at once', async () => {
    const before = console.warn
    const both = await Promise.all([startAuth0Emulator(), startAuth0Emulator()])
    expect(console.warn).toBe(before)
    await Promise.all(both.map((one) => one.close()))
  })

  it('listens on the loopback address only, and on the port it is given', async () => {
    const port = Number(new URL(emulator.domain).port)
    await restart({ port })
    expect(emulator.domain).toBe(`http://127.0.0.1:${port}`)
    expect(emulator.issuer).toBe(`http://127.0.0.1:${port}/`)
    await expect(startAuth0Emulator({ port })).rejects.toThrow('EADDRINUSE')
  })

  it('closes twice, with a request under way', async () => {
    const gate = emulator.hold()
    const hanging = logIn(emulator)
    hanging.catch(() => undefined)
    await gate.arrived
    await Promise.all([emulator.close(), emulator.close()])
    await expect(hanging).rejects.toThrow('fetch failed')
  })
})

describe('/.well-known', () => {
  it('describes the tenant as Auth0 does', async () => {
    const { domain } = emulator
    const metadata = await getJson('/.well-known/openid-configuration')
    expect(metadata).toMatchObject({
      issuer: `${domain}/`,
      authorization_endpoint: `${domain}/authorize`,
      token_endpoint: `${domain}/oauth/token`,
      userinfo_endpoint: `${domain}/userinfo`,
      jwks_uri: `${domain}/.well-known/jwks.json`,
      revocation_endpoint: `${domain}/oauth/revoke`,
      end_session_endpoint: `${domain}/oidc/logout`,
      mfa_challenge_endpoint: `${domain}/mfa/challenge`,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      request_uri_parameter_supported: false,
    })
    for (const absent of ['authorization_response_iss_parameter_supported', 'introspection_endpoint']) {
      expect(metadata).not.toHaveProperty(absent)
    }
  })

  it('lists two public RSA keys as JSON', async () => {
    const { headers, body } = await replyOf(await fetch(`${emulator.domain}/.well-known/jwks.json`))
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(body.keys).toHaveLength(2)
    for (const key of body.keys) {
      expect(key).toMatchObject({ kty: 'RSA', use: 'sig', alg: 'RS256', kid: expect.stringMatching(/^[\w-]{21}$/) })
      expect(key).not.toHaveProperty('d')
    }
  })

  it('signs with the other key after a rotation', async () => {
    const kidOf = async () => decodeProtectedHeader((await logIn(emulator, { scope: 'openid' })).body.id_token).kid
    const first = await kidOf()
    emulator.rotateSigningKeys()
    const second = await kidOf()
    expect(second).not.toBe(first)
    const { keys } = await getJson('/.well-known/jwks.json')
    expect(keys.map(({ kid }) => kid).sort()).toEqual([first, second].sort())
  })

  it('shows a browser to the login page at /authorize', async () => {
    const query = new URLSearchParams({
      client_id: emulator.clientId,
      response_type: 'code',
      scope: 'openid',
      redirect_uri: 'http://127.0.0.1/callback',
      code_challenge: 'a'.repeat(43),
      code_challenge_method: 'S256',
    })
    const response = await fetch(`${emulator.domain}/authorize?${query.toString()}`, { redirect: 'manual' })
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toMatch(`${emulator.domain}/u/login?state=`)
  })
})

describe('POST /oauth/token, password grants', () => {
  const jwks = () => createRemoteJWKSet(new URL(`${emulator.domain}/.well-known/jwks.json`))

  it('answers with a verifiable ID token and access token', async () => {
    const scope = 'openid profile email read:posts'
    const { status, headers, body } = await logIn(emulator, { scope, audience: API })
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('pragma')).toBe('no-cache')
    expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'id_token', 'token_type'])
    expect(body).toMatchObject({ expires_in: 86_400, token_type: 'Bearer' })

    const checked = { issuer: emulator.issuer, algorithms: ['RS256'] }
    const id = await jwtVerify(body.id_token, jwks(), { ...checked, audience: emulator.clientId })
    expect(id.payload).toEqual({
      iss: emulator.issuer,
      sub: expect.stringMatching(/^auth0\|[0-9a-f]{24}$/),
      aud: emulator.clientId,
      iat: expect.any(Number),
      exp: Number(id.payload.iat) + 36_000,
      name: 'Ada Lovelace',
      nickname: 'ada',
      picture: expect.any(String),
      updated_at: expect.any(String),
      email: 'ada@example.com',
      email_verified: true,
    })
    const access = await jwtVerify(body.access_token, jwks(), checked)
    expect(access.payload).toEqual({
      iss: emulator.issuer,
      sub: id.payload.sub,
      aud: [API, `${emulator.issuer}userinfo`],
      azp: emulator.clientId,
      iat: expect.any(Number),
      exp: Number(access.payload.iat) + 86_400,
      scope,
      gty: 'password',
    })
  })

  it('returns one audience as a string, and no ID token, without openid', async () => {
    const { body } = await logIn(emulator, { scope: 'read:posts', audience: API })
    expect(decodeJwt(body.access_token).aud).toBe(API)
    expect(body).not.toHaveProperty('id_token')
  })

  it('gives an opaque access token without an audience, which opens /userinfo until it expires', async () => {
    const { body } = await logIn(emulator, { scope: 'openid email' })
    expect(body.access_token).not.toContain('.')
    const headers = { authorization: `Bearer ${body.access_token}` }
    const ask = async () => replyOf(await fetch(`${emulator.domain}/userinfo`, { headers }))
    expect((await ask()).body).toEqual({ sub: expect.any(String), email: 'ada@example.com', email_verified: true })
    emulator.clock.advance(86_401)
    expect((await ask()).status).toBe(401)
    expect((await fetch(`${emulator.domain}/userinfo`)).status).toBe(401)
  })

  it('falls back on resource and on the default audience', async () => {
    expect(decodeJwt((await logIn(emulator, { resource: API, scope: 'read:posts' })).body.access_token).aud).toBe(API)
    emulator.tenant.defaultAudience = API
    expect(decodeJwt((await logIn(emulator, { scope: 'read:posts' })).body.access_token).aud).toBe(API)
  })

  it.each([
    ['a bare openid', 'openid', undefined, 'openid profile email address phone'],
    ['no scope at all', undefined, undefined, 'openid profile email address phone'],
    ['an unknown scope', 'extra-scope', undefined, undefined],
    ['an unknown scope beside a known one', 'openid email admin:all', API, 'openid email'],
    ['no API scope', 'openid email', API, 'openid email read:posts write:posts'],
    ['offline_access', 'openid email read:posts offline_access', API, undefined],
    ['the same in another order', 'read:posts openid', API, undefined],
    ['online_access', 'openid email read:posts online_access', API, 'openid email read:posts'],
  ])('grants %s', async (_name, scope, audience, granted) => {
    const { status, body } = await logIn(emulator, { scope, audience })
    expect(status).toBe(200)
    expect(body.scope).toBe(granted)
  })

  it('returns only the subject for openid alone', async () => {
    const { body } = await logIn(emulator, { scope: 'openid' })
    expect(Object.keys(decodeJwt(body.id_token)).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'sub'])
  })

  it.each([
    [
      'the API does not allow it',
      () => (emulator.tenant.apis = [{ audience: API, scopes: [], allowOfflineAccess: false }]),
    ],
    ['the client may not refresh', () => (emulator.tenant.grantTypes = ['password'])],
  ])('silently drops offline_access if %s', async (_name, change) => {
    change()
    const { status, body } = await logIn(emulator, { scope: 'openid email x:y offline_access', audience: API })
    expect(status).toBe(200)
    expect(body).not.toHaveProperty('refresh_token')
    expect(body.scope).toBe('openid email')
  })

  it('ignores realm for password and uses it for password-realm, including case', async () => {
    emulator.users.add({ email: 'bob@example.com', password: 'b', connection: 'customers' })
    const bob = { username: 'bob@example.com', password: 'b' }
    expect((await logIn(emulator, { ...bob, realm: 'customers' })).status).toBe(403)
    expect((await logIn(emulator, { ...bob, realm: 'customers', grant_type: REALM_GRANT })).status).toBe(200)
    expect((await logIn(emulator, { realm: 'nowhere' })).status).toBe(200)
    const { status, body } = await logIn(emulator, { ...bob, realm: 'Customers', grant_type: REALM_GRANT })
    expect([status, body.error, body.error_description]).toEqual([400, 'invalid_request', 'Unknown realm Customers.'])
  })

  it('keeps the accounts of two connections apart and their sub stable', async () => {
    const user = { email: 'eve@example.com', password: 'e' }
    const [first, second] = [emulator.users.add(user), emulator.users.add({ ...user, connection: 'customers' })]
    expect(first.sub).not.toBe(second.sub)
    await restart()
    expect(emulator.users.add(user).sub).toBe(first.sub)
  })

  it('finds a user by username or address in any case, by the claims the test gave', async () => {
    await restart({ users: [{ ...ADA, email: ADA.username, username: 'Ada', claims: { 'https://x/role': 'admin' } }] })
    for (const username of ['ada', 'ADA@example.com']) {
      const { body } = await logIn(emulator, { username, scope: 'openid' })
      expect(decodeJwt(body.id_token)).toMatchObject({ 'https://x/role': 'admin' })
    }
  })

  it('takes JSON, and Basic authentication', async () => {
    const body = JSON.stringify({ grant_type: 'password', ...ADA, scope: ['openid', 'email'] })
    const basic = Buffer.from(`${emulator.clientId}:${encodeURIComponent(emulator.clientSecret)}`).toString('base64')
    const headers = { 'content-type': 'application/json', authorization: `Basic ${basic}` }
    const response = await fetch(`${emulator.domain}/oauth/token`, { method: 'POST', body, headers })
    expect(response.status).toBe(200)
    expect(emulator.requests.at(-1)).toMatchObject({ grantType: 'password', params: { scope: ['openid', 'email'] } })
  })

  it('takes a signed assertion once', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    await restart({ clientJwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'RS256' }] } })
    const sign = (aud: string) =>
      new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'RS256' })
        .setIssuer(emulator.clientId)
        .setSubject(emulator.clientId)
        .setAudience(aud)
        .setExpirationTime('1m')
        .sign(privateKey)
    const fields = (client_assertion: string) => ({
      client_secret: undefined,
      client_assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    const assertion = fields(await sign(emulator.issuer))
    expect((await logIn(emulator, assertion)).status).toBe(200)
    expect((await logIn(emulator, assertion)).status).toBe(401)
    expect((await logIn(emulator, fields(await sign(emulator.domain)))).status).toBe(401)
  })

  it.each(['PS256', 'HS256'] as const)('signs ID tokens with %s', async (idTokenSigningAlg) => {
    await restart({ idTokenSigningAlg })
    const { body } = await logIn(emulator, { scope: 'openid', audience: API })
    const secret = new TextEncoder().encode(emulator.clientSecret)
    const options = { algorithms: [idTokenSigningAlg] }
    const verified =
      idTokenSigningAlg === 'HS256'
        ? jwtVerify(body.id_token, secret, options)
        : jwtVerify(body.id_token, jwks(), options)
    expect((await verified).payload.iss).toBe(emulator.issuer)
    expect((await jwtVerify(body.access_token, jwks())).payload.iss).toBe(emulator.issuer)
  })

  it('issues by its own clock', async () => {
    const before = decodeJwt((await logIn(emulator, { scope: 'openid' })).body.id_token)
    emulator.clock.advance(3600)
    const after = decodeJwt((await logIn(emulator, { scope: 'openid' })).body.id_token)
    expect(Number(after.iat) - Number(before.iat)).toBeGreaterThanOrEqual(3600)
    expect(emulator.requests.at(-1)?.at).toBeGreaterThan(Date.now() + 3_590_000)
    emulator.tenant.accessTokenTtl = 60
    expect((await logIn(emulator)).body.expires_in).toBe(60)
  })
})

describe('requests', () => {
  it('records what was sent, but never a password', async () => {
    await logIn(emulator, { scope: 'openid', password: 'hunter2' }, { 'auth0-forwarded-for': '203.0.113.9' })
    await getJson('/.well-known/openid-configuration?x=1')
    expect(emulator.requests).toHaveLength(2)
    expect(emulator.requestsTo('/oauth/token')).toEqual([
      {
        method: 'POST',
        path: '/oauth/token',
        grantType: 'password',
        params: {
          grant_type: 'password',
          username: ADA.username,
          scope: 'openid',
          client_id: emulator.clientId,
          client_secret: emulator.clientSecret,
        },
        headers: expect.objectContaining({ 'auth0-forwarded-for': '203.0.113.9' }),
        clientIp: '127.0.0.1',
        at: expect.any(Number),
      },
    ])
    expect(JSON.stringify(emulator.requests)).not.toContain('hunter2')
    expect(emulator.requests[1]).toMatchObject({ method: 'GET', params: { x: '1' } })
  })
})

describe('hostile input', () => {
  it.each([
    ['broken JSON', '{"grant_type":', 'application/json', 400],
    ['a JSON list', '[]', 'application/json', 401],
    ['JSON null', 'null', 'application/json', 401],
    ['a prototype', '{"__proto__":{"client_id":"emulator-client"}}', 'application/json', 401],
    ['numbers', '{"client_id":1,"client_secret":2}', 'application/json', 401],
    ['bad escapes', '%E0%A4%A=%', 'application/x-www-form-urlencoded', 401],
    ['a repeated parameter', 'client_id=a&client_id=b', 'application/x-www-form-urlencoded', 401],
    ['another type', '\u0000\u0001', 'application/octet-stream', 401],
    ['a huge body', 'x'.repeat(200_000), 'application/json', 413],
  ])('answers %s', async (_name, body, type, status) => {
    const headers = { 'content-type': type }
    const response = await fetch(`${emulator.domain}/oauth/token`, { method: 'POST', body, headers })
    expect(response.status).toBe(status)
    expect((await logIn(emulator)).status).toBe(200)
  })

  it('answers another method with 405 and a broken path with an error', async () => {
    expect((await fetch(`${emulator.domain}/oauth/token`)).status).toBe(405)
    expect((await fetch(`${emulator.domain}/%E0%A4%A`)).status).toBeGreaterThanOrEqual(400)
    expect((await post(emulator, '/nowhere', {})).status).toBe(404)
  })

  it.each(['Basic', 'Basic !!!', 'Basic Og==', `Basic ${Buffer.from('%:%').toString('base64')}`, 'Bearer x'])(
    'refuses the client behind "%s"',
    async (authorization) => {
      const { status, body } = await logIn(emulator, { client_secret: undefined }, { authorization })
      expect([status, body.error]).toEqual([401, 'access_denied'])
    },
  )
})
