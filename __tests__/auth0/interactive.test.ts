import { describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { amongLogins } from '../../lib/auth0/at-once.ts'
import {
  beginInteractive,
  finishInteractive,
  logoutUrl,
  type BeginInteractiveArguments,
  type FinishInteractiveArguments,
} from '../../lib/auth0/interactive.ts'
import { refreshGrant } from '../../lib/auth0/refresh-grant.ts'
import type { EmulatorUser, Fault } from '../../lib/testing/index.ts'
import { ada } from '../support/app.ts'
import { Browser, CALLBACK, queryOf } from '../testing/browser.ts'
import { ADA, API } from '../testing/tenant-client.ts'
import { failureOf, shownBy, startTenant } from './tenant.ts'

const KEYS = '/.well-known/jwks.json'

type Tenant = Awaited<ReturnType<typeof startTenant>>

/** Logs in up to the callback, in a new browser unless one is given. */
async function reachCallback(tenant: Tenant, given: Partial<BeginInteractiveArguments> = {}, browser = new Browser()) {
  const { url, ...transaction } = await beginInteractive(tenant, { redirectUri: CALLBACK, ...given })
  const start = await browser.open(url)
  const isAsked = start.location.includes('/u/login')
  const page = isAsked ? await browser.submit(await browser.open(start.location), tenant.emulator.domain, ADA) : start
  const { scope = tenant.config.scope, audience } = given
  return { ...transaction, callback: new URL(page.location), redirectUri: CALLBACK, scope, audience }
}

function withQuery(callback: URL, change: (query: URLSearchParams) => void): URL {
  const url = new URL(callback)
  change(url.searchParams)
  return url
}

describe('beginInteractive', () => {
  it('sends the browser to Auth0 with code, PKCE, state and nonce', async () => {
    const tenant = await startTenant({ options: { audience: API } })
    const { url, state, nonce, codeVerifier } = await beginInteractive(tenant, { redirectUri: CALLBACK })
    expect(url.startsWith(`${tenant.emulator.domain}/authorize?`)).toBe(true)
    const query = Object.fromEntries(new URL(url).searchParams)
    expect(query).toEqual({
      client_id: tenant.emulator.clientId,
      response_type: 'code',
      max_age: '604800',
      redirect_uri: CALLBACK,
      scope: 'openid profile email',
      audience: API,
      state,
      nonce,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    expect(url).not.toContain(codeVerifier)
  })

  it('sends the requested parameters', async () => {
    const tenant = await startTenant()
    const { url } = await beginInteractive(tenant, {
      redirectUri: CALLBACK,
      scope: 'openid offline_access',
      audience: API,
      loginHint: 'ada@example.com',
      connection: 'customers',
      prompt: 'login',
    })
    expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({
      scope: 'openid offline_access',
      audience: API,
      login_hint: 'ada@example.com',
      connection: 'customers',
      prompt: 'login',
    })
  })

  it('creates new secrets each time', async () => {
    const tenant = await startTenant()
    const [first, second] = [
      await beginInteractive(tenant, { redirectUri: CALLBACK }),
      await beginInteractive(tenant, { redirectUri: CALLBACK }),
    ]
    for (const name of ['state', 'nonce', 'codeVerifier'] as const) expect(first[name]).not.toBe(second[name])
  })

  it('needs a redirect URI', async () => {
    const tenant = await startTenant()
    const err = await failureOf(beginInteractive(tenant, {} as BeginInteractiveArguments))
    expect(err).toMatchObject({ code: 'invalid_request', argument: 'redirectUri' })
  })
})

describe('finishInteractive', () => {
  it('is refused without a request to Auth0 while as many logins as may wait do so', async () => {
    const tenant = await startTenant()
    const callback = await reachCallback(tenant)
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    const waiting = Array.from({ length: 64 }, () => amongLogins(() => gate))
    expect(await failureOf(finishInteractive(tenant, callback))).toMatchObject({ code: 'auth_unavailable' })
    expect(tenant.emulator.requestsTo('/oauth/token')).toEqual([])
    release()
    await Promise.all(waiting)
    expect((await finishInteractive(tenant, callback)).claims).toMatchObject({ email: ada.email })
  })

  it('resolves to the same grant as a password login, with the sid', async () => {
    const tenant = await startTenant()
    const scope = 'openid email offline_access read:posts'
    const grant = await finishInteractive(tenant, await reachCallback(tenant, { scope, audience: API }))
    expect(grant).toEqual({
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresAt: expect.any(Number),
      scope,
      audience: API,
      idToken: expect.any(String),
      refreshToken: expect.any(String),
      claims: expect.objectContaining({ email: ada.email, sid: expect.any(String) }),
    })
    expect(decodeJwt(grant.accessToken).aud).toContain(API)
    const refreshed = await refreshGrant(tenant.client, tenant.config, { refreshToken: grant.refreshToken! })
    expect(refreshed.claims?.sub).toBe(grant.claims?.sub)
  })

  it('uses only the query of the callback, which may come through a proxy', async () => {
    const tenant = await startTenant()
    const reached = await reachCallback(tenant)
    const callback = new URL(`http://internal:8080/other${reached.callback.search}&extra=1&response=jarm&id_token=x`)
    expect((await finishInteractive(tenant, { ...reached, callback })).claims?.email).toBe(ada.email)
  })

  it.each<[string, (reached: FinishInteractiveArguments, other: FinishInteractiveArguments) => object]>([
    ['no state', ({ callback }) => ({ callback: withQuery(callback, (query) => query.delete('state')) })],
    ['another state', ({ callback }) => ({ callback: withQuery(callback, (query) => query.set('state', 'x')) })],
    ['two states', ({ callback }) => ({ callback: withQuery(callback, (query) => query.append('state', 'x')) })],
    ['two codes', ({ callback }) => ({ callback: withQuery(callback, (query) => query.append('code', 'x')) })],
    ['no code', ({ callback }) => ({ callback: withQuery(callback, (query) => query.delete('code')) })],
    [
      'an issuer that is not ours',
      ({ callback }) => ({ callback: withQuery(callback, (query) => query.set('iss', 'https://evil.example/')) }),
    ],
    [
      'an error of another login',
      ({ callback }) => ({
        callback: withQuery(callback, (query) => {
          query.set('error', 'x')
          query.set('state', 'x')
        }),
      }),
    ],
    ['the callback of another login', (_reached, { callback }) => ({ callback })],
  ])('answers login_transaction_missing for %s, without asking Auth0', async (_name, change) => {
    const tenant = await startTenant()
    const [reached, other] = [await reachCallback(tenant), await reachCallback(tenant)]
    const err = await failureOf(finishInteractive(tenant, { ...reached, ...change(reached, other) }))
    expect(err).toMatchObject({ code: 'login_transaction_missing', status: 400 })
    expect(err.detail).toMatch(/^the callback does not belong to this login: /)
    expect(tenant.emulator.requestsTo('/oauth/token')).toEqual([])
  })

  it.each<[string, (tenant: Tenant, reached: FinishInteractiveArguments) => unknown]>([
    ['an unknown code', (_tenant, { callback }) => callback.searchParams.set('code', 'unknown')],
    ['an expired code', ({ emulator }) => emulator.clock.advance(600)],
    ['a code that was used', (tenant, reached) => finishInteractive(tenant, reached)],
    ['another code verifier', (_tenant, reached) => (reached.codeVerifier = 'x'.repeat(43))],
    [
      'a code of another login',
      async (tenant, { callback }) => {
        const { callback: other } = await reachCallback(tenant)
        callback.searchParams.set('code', other.searchParams.get('code')!)
      },
    ],
  ])('answers login_transaction_missing for %s, and shows no secret', async (_name, spoil) => {
    const tenant = await startTenant()
    const reached = await reachCallback(tenant)
    await spoil(tenant, reached)
    const err = await failureOf(finishInteractive(tenant, reached))
    expect(err).toMatchObject({ code: 'login_transaction_missing', auth0: { status: 403, error: 'invalid_grant' } })
    const secrets = [reached.codeVerifier, reached.callback.searchParams.get('code')!, tenant.emulator.clientSecret]
    for (const secret of secrets) expect(shownBy(err)).not.toContain(secret)
  })

  it('keeps a code and a verifier out of an error that echoes them', async () => {
    const tenant = await startTenant()
    const reached = await reachCallback(tenant)
    const code = reached.callback.searchParams.get('code')!
    const error_description = `bad ${code} with ${reached.codeVerifier}`
    tenant.emulator.failNext({ status: 403, body: { error: 'invalid_grant', error_description } })
    const err = await failureOf(finishInteractive(tenant, reached))
    expect(err.auth0?.description).toBe('[concealed]')
    for (const secret of [code, reached.codeVerifier]) expect(shownBy(err)).not.toContain(secret)
  })

  it.each<[string, Partial<EmulatorUser>, string]>([
    ['a blocked user', { blocked: true }, 'account_blocked'],
    ['an Action that denies', { denied: 'Not on Sundays' }, 'access_denied'],
    ['a Rule that denies', { ruleError: 'No' }, 'access_denied'],
  ])('rejects for %s', async (_name, flags, code) => {
    const tenant = await startTenant({ emulator: { users: [{ ...ada, ...flags }] } })
    const err = await failureOf(finishInteractive(tenant, await reachCallback(tenant)))
    expect(err).toMatchObject({ code, name: 'AuthError' })
    expect(err.message).not.toContain('Sundays')
    expect(err.auth0?.description).toBe(flags.denied ?? flags.ruleError ?? 'user is blocked')
  })

  it('rejects with interaction_required where prompt=none finds no session', async () => {
    const tenant = await startTenant()
    expect(await failureOf(finishInteractive(tenant, await reachCallback(tenant, { prompt: 'none' })))).toMatchObject({
      code: 'interaction_required',
      auth0: { status: 302, error: 'login_required' },
    })
    const browser = new Browser()
    await reachCallback(tenant, {}, browser)
    const grant = await finishInteractive(tenant, await reachCallback(tenant, { prompt: 'none' }, browser))
    expect(grant.claims?.email).toBe(ada.email)
  })

  it.each([
    ['interaction_required', undefined, 'interaction_required'],
    ['consent_required', undefined, 'interaction_required'],
    ['access_denied', 'Service not found: x', 'configuration_error'],
    ['access_denied', undefined, 'access_denied'],
    ['unauthorized_client', undefined, 'configuration_error'],
    ['invalid_request', 'x', 'configuration_error'],
    ['unsupported_response_type', undefined, 'configuration_error'],
    ['server_error', undefined, 'auth_unavailable'],
    ['temporarily_unavailable', undefined, 'auth_unavailable'],
    ['too_many_attempts', undefined, 'too_many_attempts'],
    ['something_of_an_action', 'x', 'access_denied'],
  ])('maps the callback error %s (%s) to %s', async (error, description, code) => {
    const tenant = await startTenant()
    const reached = await reachCallback(tenant)
    const callback = withQuery(reached.callback, (query) => {
      query.delete('code')
      query.set('error', error)
      if (description !== undefined) query.set('error_description', description)
    })
    expect(await failureOf(finishInteractive(tenant, { ...reached, callback }))).toMatchObject({ code })
  })

  it.each<[string, Fault, string]>([
    ['an outage', { status: 503, body: '<html>' }, 'auth_unavailable'],
    ['a lost connection', { reset: true }, 'auth_unavailable'],
    ['a throttled tenant', { status: 429, body: { error: 'too_many_requests' } }, 'auth_unavailable'],
    [
      'a wrong secret',
      { status: 401, body: { error: 'access_denied', error_description: 'Unauthorized' } },
      'configuration_error',
    ],
  ])('rejects for %s at the exchange', async (_name, fault, code) => {
    const tenant = await startTenant()
    const reached = await reachCallback(tenant)
    tenant.emulator.failNext(fault)
    expect(await failureOf(finishInteractive(tenant, reached))).toMatchObject({ code })
  })

  it('names the setting if the application may not use codes', async () => {
    const tenant = await startTenant()
    const reached = await reachCallback(tenant)
    tenant.emulator.tenant.grantTypes = ['password']
    const err = await failureOf(finishInteractive(tenant, reached))
    expect(err.code).toBe('configuration_error')
    expect(err.detail).toContain('Authorization Code')
  })

  it('names the callback URL if the exchange sends another one', async () => {
    const tenant = await startTenant()
    const reached = await reachCallback(tenant)
    const err = await failureOf(finishInteractive(tenant, { ...reached, redirectUri: 'http://127.0.0.1:5555/other' }))
    expect(err.code).toBe('configuration_error')
    expect(err.detail).toContain('interactive.baseUrl')
  })

  it('revokes the refresh token when the ID token does not verify', async () => {
    const tenant = await startTenant()
    const { emulator } = tenant
    const reached = await reachCallback(tenant, { scope: 'openid offline_access', audience: API })
    const { keys } = (await (await fetch(`${emulator.domain}${KEYS}`)).json()) as { keys: object[] }
    emulator.failNext({ path: KEYS, status: 200, body: { keys: keys.slice(1) } })
    const revocation = emulator.hold({ path: '/oauth/revoke', after: true })
    expect(await failureOf(finishInteractive(tenant, reached))).toMatchObject({ code: 'configuration_error' })
    await revocation.arrived
    revocation.release()
    expect(emulator.refreshTokens.families()).toBe(0)
  })

  it('refuses an ID token with another nonce', async () => {
    const tenant = await startTenant()
    const reached = await reachCallback(tenant)
    expect(await failureOf(finishInteractive(tenant, { ...reached, nonce: 'other' }))).toMatchObject({
      code: 'configuration_error',
    })
  })

  it('refuses an answer without an ID token', async () => {
    const tenant = await startTenant()
    const reached = await reachCallback(tenant)
    tenant.emulator.failNext({ status: 200, body: { access_token: 'a', token_type: 'Bearer', expires_in: 60 } })
    expect(await failureOf(finishInteractive(tenant, reached))).toMatchObject({ code: 'auth_unavailable' })
  })

  it.each(['PS256', 'HS256'] as const)('verifies ID tokens with %s', async (idTokenSigningAlg) => {
    const tenant = await startTenant({ emulator: { idTokenSigningAlg }, options: { idTokenSigningAlg } })
    expect((await finishInteractive(tenant, await reachCallback(tenant))).claims?.email).toBe(ada.email)
  })
})

describe('logoutUrl', () => {
  const returnTo = 'http://localhost:5555/bye?a=1&b=2'

  it('ends the session of the browser at Auth0 and comes back', async () => {
    const tenant = await startTenant()
    const browser = new Browser()
    const { claims } = await finishInteractive(tenant, await reachCallback(tenant, {}, browser))
    const url = await logoutUrl(tenant, { sid: claims?.sid as string, returnTo })
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      client_id: tenant.emulator.clientId,
      logout_hint: claims?.sid,
      post_logout_redirect_uri: returnTo,
    })
    const page = await browser.open(url)
    expect([page.status, page.location]).toEqual([302, returnTo])
    const { url: again } = await beginInteractive(tenant, { redirectUri: CALLBACK, prompt: 'none' })
    expect(queryOf(await browser.open(again)).error).toBe('login_required')
  })

  it('takes an ID token, and federated without a value', async () => {
    const tenant = await startTenant()
    const { idToken = '' } = await finishInteractive(tenant, await reachCallback(tenant))
    const url = await logoutUrl(tenant, { idTokenHint: idToken, returnTo, federated: true })
    expect(url).toMatch(/&federated$/)
    expect(new URL(url).searchParams.get('id_token_hint')).toBe(idToken)
  })

  it('uses the older endpoint if the tenant has no RP-initiated logout', async () => {
    const tenant = await startTenant({ emulator: { rpLogout: false } })
    const browser = new Browser()
    await reachCallback(tenant, {}, browser)
    const url = await logoutUrl(tenant, { sid: 'x', returnTo, federated: true })
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v2\/logout\?client_id=emulator-client&returnTo=.*&federated$/)
    expect((await browser.open(url)).location).toBe(returnTo)
  })

  it('needs a URL to return to', async () => {
    const tenant = await startTenant()
    expect(await failureOf(logoutUrl(tenant, { returnTo: '' }))).toMatchObject({ argument: 'returnTo' })
  })
})
