import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { startAuth0Emulator, type Auth0Emulator, type PasswordPolicy } from '../../lib/testing/emulator.js'
import { ADA, logIn, replyOf, type Reply } from './tenant-client.js'

const CONNECTION = 'Username-Password-Authentication'
const BOB = { email: 'bob@example.com', password: 'Correct-Horse-1', connection: CONNECTION }

let emulator: Auth0Emulator

beforeEach(async () => {
  emulator = await startAuth0Emulator()
})

afterEach(() => emulator.close())

async function postJson(path: string, fields: object): Promise<Reply> {
  const body = JSON.stringify({ client_id: emulator.clientId, ...fields })
  const headers = { 'content-type': 'application/json' }
  return replyOf(await fetch(emulator.domain + path, { method: 'POST', body, headers }))
}

const signUp = (fields: object = {}) => postJson('/dbconnections/signup', { ...BOB, ...fields })
const reset = (fields: object = {}) =>
  postJson('/dbconnections/change_password', { email: ADA.username, connection: CONNECTION, ...fields })

describe('POST /dbconnections/signup', () => {
  it('creates a user who can log in immediately, and returns no tokens', async () => {
    const { status, body, headers } = await signUp({ name: 'Bob', user_metadata: { plan: 'gold' }, given_name: 'B.' })
    expect(status).toBe(200)
    expect(body).toEqual({
      _id: expect.stringMatching(/^[0-9a-f]{24}$/),
      email: BOB.email,
      email_verified: false,
      name: 'Bob',
      given_name: 'B.',
      user_metadata: { plan: 'gold' },
    })
    expect(headers.get('x-ratelimit-remaining')).toBe('49')
    const login = await logIn(emulator, { username: BOB.email, password: BOB.password, scope: 'openid profile email' })
    expect(decodeJwt(login.body.id_token)).toMatchObject({
      sub: `auth0|${String(body._id)}`,
      name: 'Bob',
      given_name: 'B.',
      email_verified: false,
    })
    expect(JSON.stringify(emulator.requests)).not.toContain(BOB.password)
  })

  it('accepts a username, which identifies the user', async () => {
    emulator.tenant.requiresUsername = true
    expect((await signUp({ username: 'bob' })).body).toMatchObject({ username: 'bob' })
    expect((await logIn(emulator, { username: 'bob', password: BOB.password })).status).toBe(200)
  })

  it('answers a duplicate like any other refusal, or reveals it if the tenant allows that', async () => {
    await signUp({ username: 'bob' })
    const generic = { name: 'BadRequestError', code: 'invalid_signup', description: 'Invalid sign up', statusCode: 400 }
    expect((await signUp()).body).toEqual(generic)
    expect((await signUp({ email: 'x@example.com', username: 'bob' })).body).toEqual(generic)
    emulator.tenant.genericSignupErrors = false
    expect(await signUp()).toMatchObject({
      status: 400,
      body: { name: 'BadRequestError', code: 'user_exists', description: 'The user already exists.', statusCode: 400 },
    })
    expect((await signUp({ email: 'x@example.com', username: 'bob' })).body.code).toBe('username_exists')
    expect((await signUp({ connection: 'customers' })).status).toBe(200)
  })

  it('refuses a weak password with rules and a policy', async () => {
    const { status, body } = await signUp({ password: 'short' })
    expect(status).toBe(400)
    expect(body).toEqual({
      name: 'PasswordStrengthError',
      message: 'Password is too weak',
      code: 'invalid_password',
      description: {
        verified: false,
        rules: [
          { code: 'lengthAtLeast', message: 'At least %d characters in length', format: [8], verified: false },
          {
            code: 'containsAtLeast',
            message: 'Contain at least %d of the following %d types of characters:',
            format: [3, 4],
            verified: false,
            items: [
              { code: 'lowerCase', message: 'lower case letters (a-z)', verified: true },
              { code: 'upperCase', message: 'upper case letters (A-Z)', verified: false },
              { code: 'numbers', message: 'numbers (i.e. 0-9)', verified: false },
              { code: 'specialCharacters', message: 'special characters (e.g. !@#$%^&*)', verified: false },
            ],
          },
        ],
      },
      policy: [
        '* At least 8 characters in length',
        '* Contain at least 3 of the following 4 types of characters:',
        '  * lower case letters (a-z)',
        '  * upper case letters (A-Z)',
        '  * numbers (i.e. 0-9)',
        '  * special characters (e.g. !@#$%^&*)',
      ].join('\n'),
      statusCode: 400,
    })
  })

  it.each<[string, PasswordPolicy, string, string[] | undefined]>([
    ['none', { level: 'none' }, '', ['nonEmpty']],
    ['none', { level: 'none' }, 'x', undefined],
    ['low', { level: 'low' }, '12345', ['lengthAtLeast']],
    ['low', { level: 'low' }, '123456', undefined],
    ['fair', { level: 'fair' }, 'abcdefgh', ['lengthAtLeast', 'shouldContain']],
    ['fair', { level: 'fair' }, 'Abcdefg1', undefined],
    ['good', { level: 'good' }, 'Abcdefg1', undefined],
    ['a length', { minLength: 12 }, 'Abcdefg1', ['lengthAtLeast', 'containsAtLeast']],
    ['excellent', { level: 'excellent' }, 'Abcdefggg1', ['lengthAtLeast', 'containsAtLeast', 'identicalChars']],
    ['excellent', { level: 'excellent' }, 'Abcdefgg11', undefined],
  ])('applies the policy "%s" (%j) to "%s"', async (_name, policy, password, rules) => {
    emulator.tenant.passwordPolicy = policy
    const { status, body } = await signUp({ password })
    const found = (body.description as { rules: { code: string }[] } | undefined)?.rules.map(({ code }) => code)
    expect([status, found]).toEqual([rules ? 400 : 200, rules])
  })

  it.each([
    [
      'a common password',
      { dictionary: ['PASSWORD-1a'] },
      'password-1A',
      'PasswordDictionaryError',
      'invalid_password',
    ],
    ['a password with the address', { noUserInfo: true }, 'Bob-12345', 'PasswordNoUserInfoError', 'invalid_password'],
    ['a breached password', {}, 'AUTH0-TEST-1a', 'BadRequestError', 'password_leaked'],
  ])('refuses %s', async (_name, policy, password, name, code) => {
    emulator.tenant.passwordPolicy = policy
    expect(await signUp({ password })).toMatchObject({ status: 400, body: { name, code } })
    expect(emulator.users.get(BOB.email)).toBeUndefined()
  })

  it.each([
    ['disabled signups', () => (emulator.tenant.signupsDisabled = true), {}, { code: 'invalid_signup' }],
    ['an unknown connection', () => undefined, { connection: 'nowhere' }, { code: 'invalid_signup' }],
    ['bot detection', () => (emulator.tenant.signupCaptcha = true), {}, { code: 'invalid_captcha' }],
    [
      'an Action',
      () => (emulator.tenant.signupDenied = 'Invitation only'),
      {},
      { code: 'extensibility_error', description: 'Invitation only' },
    ],
    [
      'a missing username',
      () => (emulator.tenant.requiresUsername = true),
      {},
      { error: `missing username for ${CONNECTION} connection with requires_username enabled` },
    ],
    ['a missing password', () => undefined, { password: undefined }, { error: 'missing password parameter' }],
    ['a missing address', () => undefined, { email: '' }, { error: 'missing email parameter' }],
    ['another client', () => undefined, { client_id: 'somebody' }, { code: 'invalid_client' }],
    ['metadata that is a list', () => undefined, { user_metadata: [] }, { code: 'invalid_user_metadata' }],
    ['a number in the metadata', () => undefined, { user_metadata: { a: 1 } }, { code: 'invalid_user_metadata' }],
  ])('refuses with 400 for %s', async (_name, change, fields, expected) => {
    change()
    expect(await signUp(fields)).toMatchObject({ status: 400, body: expected })
  })

  it('throttles an address, whether it succeeds or not, until a minute fills the bucket', async () => {
    emulator.tenant.signupLimit = 2
    await signUp()
    await signUp()
    const { status, body, headers } = await signUp({ email: 'x@example.com' })
    expect([status, body.code, headers.get('x-ratelimit-remaining')]).toEqual([429, 'too_many_attempts', '0'])
    emulator.clock.advance(60)
    expect((await signUp({ email: 'x@example.com' })).status).toBe(200)
  })

  it('throttles a suspicious address', async () => {
    emulator.tenant.suspiciousAddresses.add('127.0.0.1')
    expect(await signUp()).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } })
  })
})

describe('POST /dbconnections/change_password', () => {
  it('answers in HTML, and the same for an unknown address', async () => {
    const answers = [
      await reset(),
      await reset({ email: 'nobody@example.com' }),
      await reset({ connection: 'customers' }),
    ]
    for (const { status, headers, body } of answers) {
      expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
      expect(body).toEqual({ text: "We've just sent you an email to reset your password." })
      expect(headers.get('x-ratelimit-limit')).toBe('10')
    }
    expect(emulator.resets).toEqual([{ email: ADA.username, at: expect.any(Number) }])
  })

  it('needs no client_id', async () => {
    expect((await reset({ client_id: undefined })).status).toBe(200)
  })

  it.each([
    ['no address', { email: undefined }, { error: 'missing email parameter' }],
    ['no connection', { connection: undefined }, { error: 'missing connection parameter' }],
    ['an unknown connection', { connection: 'nowhere' }, { description: 'connection not found' }],
    ['another client', { client_id: 'somebody' }, { code: 'invalid_client' }],
    ['an enterprise domain', { email: 'x@Corp.example' }, { code: 'enterprise_email' }],
  ])('refuses %s with 400', async (_name, fields, expected) => {
    emulator.tenant.enterpriseDomains = ['corp.example']
    expect(await reset(fields)).toMatchObject({ status: 400, body: expected })
    expect(emulator.resets).toEqual([])
  })

  it('accepts ten at once for an address, then one each minute', async () => {
    for (let count = 0; count < 10; count++) expect((await reset()).status).toBe(200)
    const { status, body, headers } = await reset()
    expect([status, body.code]).toEqual([429, 'too_many_requests'])
    expect(Number(headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1000)
    expect((await reset({ email: 'nobody@example.com' })).status).toBe(200)
    emulator.clock.advance(60)
    expect((await reset()).status).toBe(200)
    expect((await reset()).status).toBe(429)
  })
})
