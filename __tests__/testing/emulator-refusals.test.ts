import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startAuth0Emulator, type Auth0Emulator, type EmulatorUserChanges } from '../../lib/testing/emulator.js'
import { ADA, API, logIn, post, REALM_GRANT, type Reply } from './tenant-client.js'

const LOCKED =
  "Your account has been blocked after multiple consecutive login attempts. We've sent you a notification via your " +
  'preferred contact method with instructions on how to unblock it.'
const SUSPICIOUS =
  'We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator.'
const LEAKED =
  "This login attempt has been blocked because the password you're using was previously disclosed through a data " +
  'breach (not in this application). Please check your email for more information.'

let emulator: Auth0Emulator

beforeEach(async () => {
  emulator = await startAuth0Emulator()
})

afterEach(() => emulator.close())

const said = ({ status, body }: Reply) => [status, body.error, body.error_description]

describe('refusals by the account', () => {
  it.each<[EmulatorUserChanges, number, string, string]>([
    [{ blocked: true }, 401, 'unauthorized', 'user is blocked'],
    [{ leaked: true }, 401, 'password_leaked', LEAKED],
    [{ requiresVerification: true }, 401, 'requires_verification', 'Suspicious request requires verification'],
    [{ mfa: true }, 403, 'mfa_required', 'Multifactor authentication required'],
    [{ passwordExpired: true }, 401, 'password_expired', 'Password has expired.'],
    [{ passwordChangeRequired: true }, 401, 'password_change_required', 'Password change required.'],
    [{ denied: 'Only on weekdays' }, 403, 'access_denied', 'Only on weekdays'],
    [{ ruleError: 'Not you' }, 403, 'unauthorized', 'Not you'],
    [{ interactionRequired: true }, 403, 'interaction_required', 'Interaction required'],
    [{ tooManyLogins: true }, 429, 'too_many_logins', 'Too many logins with the same username or email.'],
  ])('%j', async (flag, ...expected) => {
    emulator.users.update(ADA.username, flag)
    expect(said(await logIn(emulator))).toEqual(expected)
    const cleared = Object.fromEntries(Object.keys(flag).map((name) => [name, undefined]))
    emulator.users.update(ADA.username, cleared)
    expect((await logIn(emulator)).status).toBe(200)
  })

  it('treats a correct password that begins with AUTH0-TEST- as leaked', async () => {
    emulator.users.update(ADA.username, { password: 'AUTH0-TEST-x' })
    expect(said(await logIn(emulator, { password: 'AUTH0-TEST-x' }))).toEqual([401, 'password_leaked', LEAKED])
    expect((await logIn(emulator, { password: 'AUTH0-TEST-y' })).body.error).toBe('invalid_grant')
  })

  it('gives an mfa_token, with the requirements that the test set or those of the factors', async () => {
    const requirements = { challenge: [{ type: 'otp' }] }
    emulator.users.update(ADA.username, { mfa: { requirements } })
    const { body } = await logIn(emulator)
    expect(body).toMatchObject({ mfa_token: expect.stringMatching(/^Fe26\.2\*/), mfa_requirements: requirements })
    emulator.users.update(ADA.username, { mfa: true })
    const byDefault = { challenge: [{ type: 'otp' }, { type: 'recovery-code' }] }
    expect((await logIn(emulator)).body.mfa_requirements).toEqual(byDefault)
    emulator.users.update(ADA.username, { mfa: { requirements: null } })
    expect((await logIn(emulator)).body).not.toHaveProperty('mfa_requirements')
  })

  it.each([
    ['a wrong password', { password: 'wrong' }],
    ['an unknown user', { username: 'nobody@example.com' }],
  ])('says the same of %s', async (_name, fields) => {
    expect(said(await logIn(emulator, fields))).toEqual([403, 'invalid_grant', 'Wrong email or password.'])
  })

  it('says so of a removed user, too', async () => {
    emulator.users.remove(ADA.username)
    expect(emulator.users.get(ADA.username)).toBeUndefined()
    expect((await logIn(emulator)).status).toBe(403)
    expect(() => emulator.users.update(ADA.username, {})).toThrow('no user')
  })
})

describe('refusals of the request', () => {
  const unauthorized = [401, 'access_denied', 'Unauthorized']
  const missing = (name: string) => [400, 'invalid_request', `Missing required parameter: ${name}`]

  it.each([
    ['a wrong secret', { client_secret: 'wrong' }, unauthorized],
    ['no secret', { client_secret: undefined }, unauthorized],
    ['an unknown client', { client_id: 'other' }, unauthorized],
    [
      'an assertion without keys',
      { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' },
      unauthorized,
    ],
    ['no grant type', { grant_type: undefined }, missing('grant_type')],
    ['no realm', { grant_type: REALM_GRANT }, missing('realm')],
    ['an unknown realm', { grant_type: REALM_GRANT, realm: 'x' }, [400, 'invalid_request', 'Unknown realm x.']],
    ['no username', { username: undefined }, missing('username')],
    ['no password', { password: undefined }, missing('password')],
    ['an unknown grant', { grant_type: 'magic' }, [400, 'unsupported_grant_type', 'Unsupported grant type: magic']],
    ['an unknown audience', { audience: 'x' }, [403, 'access_denied', 'Service not found: x']],
  ])('%s', async (_name, fields, expected) => {
    expect(said(await logIn(emulator, fields))).toEqual(expected)
  })

  it.each(['password', REALM_GRANT, 'refresh_token'])(
    'the grant %s, not allowed for the client',
    async (grant_type) => {
      emulator.tenant.grantTypes = []
      const reply = await logIn(emulator, { grant_type })
      expect(said(reply)).toEqual([
        403,
        'unauthorized_client',
        `Grant type '${grant_type}' not allowed for the client.`,
      ])
      expect(reply.body.error_uri).toBe('https://auth0.com/docs/clients/client-grant-types')
    },
  )

  it('no default directory, as JSON on a 500', async () => {
    emulator.tenant.defaultConnection = null
    const text = 'Authorization server not configured with default connection.'
    expect(said(await logIn(emulator))).toEqual([500, 'server_error', text])
    const realm = { grant_type: REALM_GRANT, realm: 'Username-Password-Authentication' }
    expect((await logIn(emulator, realm)).status).toBe(200)
  })

  it('a scope that is not a string', async () => {
    const { clientId: client_id, clientSecret: client_secret } = emulator
    const body = JSON.stringify({ client_id, client_secret, grant_type: 'password', ...ADA, scope: 7 })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${emulator.domain}/oauth/token`, { method: 'POST', body, headers })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'invalid_scope', error_description: 'Scope must be an array or a string' },
    ])
  })
})

describe('the order of checks', () => {
  it('is the client, the grant, the directory, parameters, the audience, throttling, then the password', async () => {
    const { tenant } = emulator
    const wrong = { client_secret: 'wrong', username: undefined, audience: 'x', password: 'wrong' }
    tenant.grantTypes = []
    tenant.defaultConnection = null
    tenant.suspiciousAddresses.add('127.0.0.1')
    expect((await logIn(emulator, wrong)).body.error).toBe('access_denied')
    const knownClient = { ...wrong, client_secret: emulator.clientSecret }
    expect((await logIn(emulator, knownClient)).body.error).toBe('unauthorized_client')
    tenant.grantTypes = ['password']
    expect((await logIn(emulator, knownClient)).body.error).toBe('server_error')
    tenant.defaultConnection = 'Username-Password-Authentication'
    expect((await logIn(emulator, knownClient)).body.error_description).toContain('username')
    const named = { ...knownClient, username: ADA.username }
    expect((await logIn(emulator, named)).body.error_description).toBe('Service not found: x')
    expect((await logIn(emulator, { ...named, audience: API })).body.error_description).toBe(SUSPICIOUS)
    tenant.suspiciousAddresses.clear()
    expect((await logIn(emulator, { ...named, audience: API })).body.error).toBe('invalid_grant')
  })

  it('is leaked, blocked, expired, denied, MFA once the password is right', async () => {
    const flags = { leaked: true, blocked: true, passwordExpired: true, denied: 'no', mfa: true }
    emulator.users.update(ADA.username, flags)
    expect((await logIn(emulator, { password: 'wrong' })).body.error).toBe('invalid_grant')
    const seen: string[] = []
    for (const flag of Object.keys(flags)) {
      seen.push((await logIn(emulator)).body.error)
      emulator.users.update(ADA.username, { [flag]: undefined })
    }
    expect(seen).toEqual(['password_leaked', 'unauthorized', 'password_expired', 'access_denied', 'mfa_required'])
    expect((await logIn(emulator)).status).toBe(200)
  })
})

describe('brute-force protection', () => {
  const FROM_A = { 'auth0-forwarded-for': '203.0.113.1' }
  const FROM_B = { 'auth0-forwarded-for': '203.0.113.2' }

  async function guess(times: number, fields = {}, headers = {}) {
    const seen: number[] = []
    for (let i = 0; i < times; i += 1) {
      seen.push((await logIn(emulator, { password: 'wrong', ...fields }, headers)).status)
    }
    return seen
  }

  it('refuses even the right password after ten wrong ones', async () => {
    expect(await guess(10)).toEqual(Array(10).fill(403))
    expect(said(await logIn(emulator))).toEqual([429, 'too_many_attempts', LOCKED])
  })

  it('ignores the case of an account, and also counts unknown ones', async () => {
    emulator.tenant.bruteForceThreshold = 2
    await guess(1)
    await guess(1, { username: 'ADA@example.com' })
    expect((await logIn(emulator)).status).toBe(429)
    expect(await guess(3, { username: 'nobody@example.com' })).toEqual([403, 403, 429])
  })

  it('forgets the count after a right password', async () => {
    emulator.tenant.bruteForceThreshold = 2
    await guess(1)
    await logIn(emulator)
    expect(await guess(2)).toEqual([403, 403])
  })

  it('blocks everyone behind the server if the forwarded address is not trusted', async () => {
    emulator.tenant.bruteForceThreshold = 1
    await guess(1, {}, FROM_A)
    expect((await logIn(emulator, {}, FROM_B)).status).toBe(429)
    expect(emulator.requests.at(-1)?.clientIp).toBe('127.0.0.1')
  })

  it('counts per forwarded address if it is trusted', async () => {
    emulator.tenant.bruteForceThreshold = 1
    emulator.tenant.trustForwardedFor = true
    await guess(1, {}, FROM_A)
    expect((await logIn(emulator, {}, FROM_A)).status).toBe(429)
    expect((await logIn(emulator, {}, FROM_B)).status).toBe(200)
    expect((await logIn(emulator)).status).toBe(200)
    expect(emulator.requests.map(({ clientIp }) => clientIp)).toEqual([
      ...['203.0.113.1', '203.0.113.1', '203.0.113.2', '127.0.0.1'],
    ])
  })

  it.each(['203.0.113.1:443', '203.0.113.1, 10.0.0.1', 'localhost', ''])('ignores the address "%s"', async (value) => {
    emulator.tenant.trustForwardedFor = true
    await logIn(emulator, {}, { 'auth0-forwarded-for': value })
    expect(emulator.requests.at(-1)?.clientIp).toBe('127.0.0.1')
  })

  it('does not trust an unknown client', async () => {
    emulator.tenant.trustForwardedFor = true
    await logIn(emulator, { client_secret: 'wrong' }, FROM_A)
    expect(emulator.requests.at(-1)?.clientIp).toBe('127.0.0.1')
  })

  it.each<[string, () => unknown, string]>([
    ['an administrator', () => emulator.unblock('ADA@example.com'), ADA.password],
    ['the test', () => emulator.resetCounters(), ADA.password],
    ['a new password', () => emulator.users.update(ADA.username, { password: 'new' }), 'new'],
    ['a higher threshold', () => (emulator.tenant.bruteForceThreshold = 3), ADA.password],
    ['thirty days', () => emulator.clock.advance(30 * 86_400 + 1), ADA.password],
  ])('is lifted by %s', async (_name, lift, password) => {
    emulator.tenant.bruteForceThreshold = 1
    await guess(1)
    expect((await logIn(emulator)).status).toBe(429)
    lift()
    expect((await logIn(emulator, { password })).status).toBe(200)
  })

  it('lifts the block of a username with that of its address', async () => {
    emulator.tenant.bruteForceThreshold = 1
    emulator.users.update(ADA.username, { username: 'ada' })
    await guess(1, { username: 'ada' })
    emulator.unblock(ADA.username)
    expect((await logIn(emulator, { username: 'ada' })).status).toBe(200)
  })

  it('throttles a suspicious address with the same code and another text', async () => {
    emulator.tenant.suspiciousAddresses.add('127.0.0.1')
    expect(said(await logIn(emulator))).toEqual([429, 'too_many_attempts', SUSPICIOUS])
    expect((await post(emulator, '/oauth/revoke', { token: 'x' })).status).toBe(200)
  })
})
