import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { exportJWK, generateKeyPair } from 'jose'
import { ClientSecretBasic, PrivateKeyJwt } from 'openid-client'
import { createAuth0Client, type Auth0Client } from '../../lib/auth0/client.ts'
import { createVerifySignature } from '../../lib/auth0/id-token.ts'
import { challengeMfa, enrollMfa, listAuthenticators, type MfaParts } from '../../lib/auth0/mfa.ts'
import { mfaRequirementsOf } from '../../lib/auth0/mfa-requirements.ts'
import { passwordGrant } from '../../lib/auth0/password-grant.ts'
import { refreshGrant } from '../../lib/auth0/refresh-grant.ts'
import { verifyMfa } from '../../lib/auth0/verify-mfa.ts'
import { ApiError, AuthError, ConfigurationError, MfaRequiredError, type RopgAuthOptions } from '../../lib/index.ts'
import {
  type Auth0Emulator,
  type EmulatorFactor,
  type EmulatorOptions,
  startAuth0Emulator,
} from '../../lib/testing/index.ts'
import { quiet, resolve, secret } from '../options/support.ts'
import { ada } from '../support/app.ts'

const API = 'https://api.example.com'
const SCOPE = 'openid email read:posts offline_access'
const MFA_OTP = 'http://auth0.com/oauth/grant-type/mfa-otp'
const credentials = { username: ada.email, password: ada.password, audience: API, scope: SCOPE }

let emulator: Auth0Emulator
let parts: MfaParts
let open: Auth0Client

async function start(options: RopgAuthOptions = {}, tenant: EmulatorOptions = {}): Promise<void> {
  emulator = await startAuth0Emulator({ users: [{ ...ada, mfa: true }], ...tenant })
  // Crossing into the next period would change the codes.
  emulator.clock.advance(30 - ((emulator.clock.now() / 1000) % 30))
  const { domain, clientId, clientSecret } = emulator
  const known = options.clientAuth ? {} : { clientSecret }
  const config = resolve({ domain, clientId, ...known, session: { secret }, logger: quiet, ...options })
  open = createAuth0Client(config)
  parts = { client: open, config, verify: createVerifySignature(open, config) }
}

async function stop(): Promise<void> {
  await open.close()
  await emulator.close()
}

beforeEach(() => start())
afterEach(stop)

async function restart(...given: Parameters<typeof start>): Promise<void> {
  await stop()
  await start(...given)
}

function setUp(...types: EmulatorFactor['type'][]): void {
  emulator.users.update(ada.email, { mfa: { factors: types.map((type) => ({ type })) } })
}

async function rejection(running: Promise<unknown>): Promise<AuthError> {
  const err: unknown = await running.catch((err: unknown) => err)
  if (err instanceof AuthError) return err
  throw new Error('no AuthError', { cause: err })
}

async function requirement(running: Promise<unknown>): Promise<MfaRequiredError> {
  const err = await rejection(running)
  if (err instanceof MfaRequiredError) return err
  throw err
}

const required = () => requirement(passwordGrant(parts, credentials))

async function login() {
  const { mfaToken = '' } = await required()
  return { mfaToken, audience: API, scope: SCOPE }
}

/** A login whose code or notification has been sent. */
async function challenged() {
  const waiting = await login()
  const { oobCode = '' } = await challengeMfa(parts, waiting)
  return { ...waiting, oobCode }
}

const outcome = ({ code, status, headers }: AuthError) => [code, status, headers['Retry-After']]

describe('mfaRequirementsOf', () => {
  it.each([
    [{ challenge: [{ type: 'otp' }, { type: 'phone' }] }, ['otp', 'phone'], []],
    [{ enroll: [{ type: 'otp' }], challenge: [{ type: 'otp' }] }, ['otp'], ['otp']],
    [{ challenge_types: ['otp', 'oob'] }, ['otp', 'oob'], []],
    [{ challenge: [{ type: 'otp' }, { type: 'otp' }] }, ['otp'], []],
    [{ challenge: 'otp', enroll: [null, 7, { type: 7 }, { type: 'Fe26.2*abc' }] }, [], []],
    ['otp', [], []],
    [null, [], []],
    [undefined, [], []],
  ])('reads %j', (mfa_requirements, challenge, enroll) => {
    const named = (types: string[]) => types.map((type) => ({ type }))
    const expected = { challenge: named(challenge), enroll: named(enroll) }
    expect(mfaRequirementsOf({ error: 'mfa_required', mfa_requirements })).toEqual(expected)
  })

  it.each([undefined, null, 'text', 7, new Error('other')])('finds none in %p', (other) => {
    expect(mfaRequirementsOf(other)).toEqual({ challenge: [], enroll: [] })
  })

  it('reads the error of a login, which never prints the mfa_token', async () => {
    const err = await required()
    expect(err.requirements).toEqual({ challenge: [{ type: 'otp' }, { type: 'recovery-code' }], enroll: [] })
    expect(mfaRequirementsOf(err)).toBe(err.requirements)
    expect(err.mfaToken).toMatch(/^Fe26/)
    expect(inspect(err, { showHidden: true, depth: 9 }) + JSON.stringify(err)).not.toContain('Fe26')
  })

  it('finds none if Auth0 sends none', async () => {
    emulator.users.update(ada.email, { mfa: { requirements: null } })
    expect((await required()).requirements).toEqual({ challenge: [], enroll: [] })
  })
})

describe('listAuthenticators', () => {
  it('names the type, channel and name of each', async () => {
    setUp('otp', 'sms', 'voice', 'email', 'push', 'recovery-code')
    const { mfaToken } = await login()
    expect(await listAuthenticators(parts, mfaToken)).toEqual([
      { id: expect.stringMatching(/^totp\|dev_/), type: 'otp' },
      {
        id: expect.stringMatching(/^sms\|dev_/),
        type: 'sms',
        channel: 'sms',
        name: expect.stringMatching(/^X+\d{4}$/),
      },
      { id: expect.any(String), type: 'voice', channel: 'voice', name: expect.any(String) },
      { id: expect.any(String), type: 'email', channel: 'email', name: 'a***@exam*******' },
      { id: expect.any(String), type: 'push', channel: 'auth0' },
      { id: expect.any(String), type: 'recovery-code' },
    ])
    expect(emulator.requests.at(-1)!.headers.authorization).toBe(`Bearer ${mfaToken}`)
  })

  it('omits inactive ones, unknown types, and repeated ids', async () => {
    const body = [
      { id: 'totp|1', authenticator_type: 'otp', active: false },
      { id: 'totp|1', authenticator_type: 'otp', active: true },
      { id: 'totp|1', authenticator_type: 'otp', active: true },
      { id: 'key|1', authenticator_type: 'webauthn-roaming', active: true },
      { id: 'oob|1', authenticator_type: 'oob', oob_channel: 'pigeon', active: true },
      { authenticator_type: 'otp', active: true },
      null,
    ]
    emulator.failNext({ path: '/mfa/authenticators', status: 200, body })
    expect(await listAuthenticators(parts, 'x')).toEqual([{ id: 'totp|1', type: 'otp' }])
  })

  it('is empty for a user who has to enroll', async () => {
    setUp()
    expect(await listAuthenticators(parts, (await login()).mfaToken)).toEqual([])
  })
})

describe('challengeMfa', () => {
  it('needs none for an authenticator app', async () => {
    const { mfaToken } = await login()
    expect(await challengeMfa(parts, { mfaToken, type: 'otp' })).toEqual({ challengeType: 'otp' })
  })

  it.each(['sms', 'voice', 'email'] as const)('has a code sent by %s', async (type) => {
    setUp('otp', 'sms', 'voice', 'email')
    const { mfaToken } = await login()
    const oob = { challengeType: 'oob', oobCode: expect.any(String), bindingMethod: 'prompt' }
    expect(await challengeMfa(parts, { mfaToken, type })).toEqual(oob)
    expect(emulator.mfa.sent.map(({ channel }) => channel)).toEqual([type])
  })

  it('has a push notification sent', async () => {
    setUp('otp', 'push')
    const { mfaToken } = await login()
    const push = { challengeType: 'oob', oobCode: expect.any(String) }
    expect(await challengeMfa(parts, { mfaToken, type: 'push' })).toEqual(push)
  })

  it('uses the given authenticator', async () => {
    setUp('otp', 'sms', 'email')
    const { mfaToken } = await login()
    const [, , email] = await listAuthenticators(parts, mfaToken)
    await challengeMfa(parts, { mfaToken, authenticatorId: email!.id })
    expect(emulator.mfa.sent[0]).toMatchObject({ channel: 'email', to: ada.email })
    expect(emulator.requests.at(-1)!.params).not.toHaveProperty('challenge_type')
  })

  it.each(['client_secret_basic', 'private_key_jwt'])('proves the client with %s', async (method) => {
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    const clientJwks = { keys: [await exportJWK(publicKey)] }
    const basic = ClientSecretBasic(emulator.clientSecret)
    await restart({ clientAuth: method === 'private_key_jwt' ? PrivateKeyJwt(privateKey) : basic }, { clientJwks })
    expect(await challengeMfa(parts, await login())).toEqual({ challengeType: 'otp' })
    setUp()
    const { mfaToken } = await login()
    expect(await enrollMfa(parts, { mfaToken, type: 'otp' })).toHaveProperty('secret')
  })
})

describe('enrollMfa', () => {
  beforeEach(() => setUp())

  it('enrolls an authenticator app, which verifyMfa confirms', async () => {
    const waiting = await login()
    const enrollment = await enrollMfa(parts, { ...waiting, type: 'otp' })
    expect(enrollment).toEqual({
      secret: expect.any(String),
      otpauthUri: expect.stringContaining(enrollment.secret!),
      recoveryCodes: [expect.stringMatching(/^[A-Z0-9]{24}$/)],
    })
    await verifyMfa(parts, { ...waiting, otp: emulator.mfa.enrollCode(enrollment.secret!) })
    expect((await required()).requirements.enroll).toEqual([])
  })

  it.each([
    ['sms', { phoneNumber: '+15550109167' }, '+15550109167'],
    ['voice', { phoneNumber: '+15550109167' }, '+15550109167'],
    ['email', { email: 'second@example.com' }, 'second@example.com'],
    ['email', {}, ada.email],
  ] as const)('enrolls %s with %j, which verifyMfa confirms', async (type, contact, to) => {
    const waiting = await login()
    const { oobCode = '', ...enrollment } = await enrollMfa(parts, { ...waiting, ...contact, type })
    expect(enrollment).toEqual({ bindingMethod: 'prompt', recoveryCodes: [expect.any(String)] })
    const { code, ...message } = emulator.mfa.sent[0]!
    expect(message).toMatchObject({ channel: type, to })
    expect(await verifyMfa(parts, { ...waiting, oobCode, bindingCode: code })).toHaveProperty('accessToken')
  })

  it('enrolls push, which verifyMfa confirms', async () => {
    const waiting = await login()
    const { oobCode = '', ...enrollment } = await enrollMfa(parts, { ...waiting, type: 'push' })
    expect(enrollment).toEqual({ otpauthUri: expect.any(String), recoveryCodes: [expect.any(String)] })
    emulator.mfa.approvePush(ada.email)
    expect(await verifyMfa(parts, { ...waiting, oobCode })).toHaveProperty('accessToken')
  })
})

describe('verifyMfa', () => {
  const otp = () => emulator.mfa.code(ada.email)

  it('resolves to the grant', async () => {
    const grant = await verifyMfa(parts, { ...(await login()), otp: otp() })
    const { sub } = emulator.users.get(ada.email)!
    const tokens = { accessToken: expect.any(String), idToken: expect.any(String), refreshToken: expect.any(String) }
    expect(grant).toEqual({
      ...{ ...tokens, tokenType: 'Bearer', audience: API, scope: SCOPE, expiresAt: expect.any(Number) },
      claims: expect.objectContaining({ sub, email: ada.email }),
    })
    expect(emulator.requestsTo('/oauth/token').at(-1)!.params).not.toHaveProperty('scope')
  })

  it('accepts a code that was sent', async () => {
    setUp('sms')
    const waiting = await challenged()
    expect(await verifyMfa(parts, { ...waiting, bindingCode: emulator.mfa.sent[0]!.code })).toHaveProperty('claims')
  })

  it('accepts a push notification once it is approved', async () => {
    setUp('push')
    const waiting = await challenged()
    expect(outcome(await rejection(verifyMfa(parts, waiting)))).toEqual(['mfa_pending', 202, '5'])
    emulator.mfa.approvePush(ada.email)
    expect(await verifyMfa(parts, waiting)).toHaveProperty('claims')
  })

  it('accepts a recovery code and hands out the next', async () => {
    const recoveryCode = emulator.mfa.recoveryCode(ada.email)
    const grant = await verifyMfa(parts, { ...(await login()), recoveryCode })
    expect(grant.recoveryCode).toBe(emulator.mfa.recoveryCode(ada.email))
    expect(grant.recoveryCode).not.toBe(recoveryCode)
  })

  it('completes a refresh', async () => {
    emulator.users.update(ada.email, { mfa: undefined })
    const { refreshToken = '' } = await passwordGrant(parts, credentials)
    emulator.users.update(ada.email, { mfaOnRefresh: true })
    const { mfaToken = '' } = await requirement(refreshGrant(parts.client, parts.config, { refreshToken }))
    const waiting = { mfaToken, audience: API, scope: 'read:posts' }
    const grant = await verifyMfa(parts, { ...waiting, otp: otp() })
    expect(emulator.refreshTokens.isActive(grant.refreshToken!)).toBe(true)
  })

  it('uses the audience and scope options', async () => {
    await restart({ audience: API, scope: 'openid read:posts' })
    const { mfaToken } = await login()
    const { audience } = await verifyMfa(parts, { mfaToken, otp: otp() })
    expect(audience).toBe(API)
  })

  it.each([
    ['203.0.113.7:4711', true, '203.0.113.7'],
    ['nonsense', true, undefined],
    ['203.0.113.7', false, undefined],
  ])('forwards the address %s where forwardClientIp is %s as %s', async (given, forwardClientIp, expected) => {
    await restart({ forwardClientIp })
    await verifyMfa(parts, { ...(await login()), otp: otp(), auth0ForwardedFor: given })
    const { headers, params } = emulator.requests.find(({ grantType }) => grantType === MFA_OTP)!
    expect(headers['auth0-forwarded-for']).toBe(expected)
    expect(params).not.toHaveProperty('auth0-forwarded-for')
  })

  it('revokes what was granted with an ID token that does not verify', async () => {
    const { idToken = '' } = await verifyMfa(parts, { ...(await login()), otp: otp() })
    const id_token = `${idToken.slice(0, idToken.lastIndexOf('.'))}.${Buffer.alloc(256).toString('base64url')}`
    const body = { access_token: 'x', token_type: 'Bearer', expires_in: 60, refresh_token: 'unwanted', id_token }
    emulator.failNext({ grantType: MFA_OTP, status: 200, body })
    const revocation = emulator.hold({ path: '/oauth/revoke' })
    const err = await rejection(verifyMfa(parts, { ...(await login()), otp: 'wrong' }))
    expect(err).toBeInstanceOf(ConfigurationError)
    expect((await revocation.arrived).params).toMatchObject({ token: 'unwanted' })
    revocation.release()
  })
})

describe('arguments', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['listAuthenticators without a token', () => listAuthenticators(parts, ''), 'mfaToken'],
    ['challengeMfa without anything', () => challengeMfa(parts, undefined as never), 'mfaToken'],
    ['enrollMfa without a type', () => enrollMfa(parts, { mfaToken: 'x' } as never), 'type'],
    ['enrollMfa without a token', () => enrollMfa(parts, { type: 'otp' } as never), 'mfaToken'],
    ['verifyMfa without anything', () => verifyMfa(parts, undefined as never), 'mfaToken'],
    ['verifyMfa without a proof', () => verifyMfa(parts, { mfaToken: 'x' } as never), 'otp'],
  ])('%s: names the missing one and sends nothing', async (_, call, argument) => {
    expect(await rejection(call())).toMatchObject({ code: 'invalid_request', argument })
    expect(emulator.requests).toEqual([])
  })
})

describe('real refusals', () => {
  const wrongOtp = async () => verifyMfa(parts, { ...(await login()), otp: 'wrong' })
  const wrongBindingCode = async () => {
    setUp('sms')
    return verifyMfa(parts, { ...(await challenged()), bindingCode: 'wrong' })
  }
  const wrongRecoveryCode = async () => verifyMfa(parts, { ...(await login()), recoveryCode: 'WRONG' })
  const deniedPush = async () => {
    setUp('push')
    const waiting = await challenged()
    emulator.mfa.denyPush(ada.email)
    return verifyMfa(parts, waiting)
  }
  const pollingTooFast = async () => {
    setUp('push')
    const waiting = await challenged()
    for (let i = 0; i < 12; i++) await rejection(verifyMfa(parts, waiting))
    return verifyMfa(parts, waiting)
  }
  const expired = async (call: (waiting: Awaited<ReturnType<typeof login>>) => Promise<unknown>) => {
    const waiting = await login()
    emulator.clock.advance(300)
    return call(waiting)
  }
  const oldOobCode = async () => {
    setUp('sms')
    const { oobCode } = await challenged()
    emulator.clock.advance(300)
    return verifyMfa(parts, { ...(await login()), oobCode, bindingCode: '1' })
  }
  const foreignOobCode = async () => {
    setUp('sms')
    const { oobCode } = await challenged()
    return verifyMfa(parts, { ...(await login()), oobCode, bindingCode: '1' })
  }
  const withoutBindingCode = async () => {
    setUp('sms')
    return verifyMfa(parts, await challenged())
  }
  const tooManyCodes = async () => {
    for (let i = 0; i < 10; i++) await rejection(wrongOtp())
    return wrongOtp()
  }
  const tooManySms = async () => {
    setUp('sms')
    for (let i = 0; i < 10; i++) await challenged()
    return challenged()
  }
  const enroll = async (fields: object) => {
    setUp()
    return enrollMfa(parts, { ...(await login()), type: 'sms', ...fields })
  }
  const alreadyEnrolled = async () => enrollMfa(parts, { ...(await login()), type: 'otp' })
  const notEnrolled = async () => {
    setUp()
    return challengeMfa(parts, await login())
  }
  const noSuchFactor = async () => challengeMfa(parts, { ...(await login()), type: 'sms' })

  it.each<[string, () => Promise<unknown>, unknown[], RegExp]>([
    ['a wrong one-time password', wrongOtp, ['invalid_mfa_code', 401], /Invalid otp_code/],
    ['a wrong binding code', wrongBindingCode, ['invalid_mfa_code', 401], /Invalid binding_code/],
    ['a wrong recovery code', wrongRecoveryCode, ['invalid_mfa_code', 401], /rejected/],
    ['a denied push notification', deniedPush, ['mfa_denied', 403], /rejected/],
    ['polling too fast', pollingTooFast, ['mfa_pending', 202, '10'], /slow_down/],
    [
      'an expired token',
      () => expired((it) => verifyMfa(parts, { ...it, otp: '1' })),
      ['mfa_expired', 401],
      /is expired/,
    ],
    [
      'an expired token in a list',
      () => expired((it) => listAuthenticators(parts, it.mfaToken)),
      ['mfa_expired', 401],
      /invalid/,
    ],
    [
      'an expired token in a challenge',
      () => expired((it) => challengeMfa(parts, it)),
      ['mfa_expired', 401],
      /invalid/,
    ],
    [
      'an expired token in an enrollment',
      () => expired((it) => enrollMfa(parts, { ...it, type: 'otp' })),
      ['mfa_expired', 401],
      /invalid/,
    ],
    ['a malformed token', () => verifyMfa(parts, { mfaToken: 'garbage', otp: '1' }), ['mfa_expired', 401], /Malformed/],
    ['an old oob_code', oldOobCode, ['mfa_expired', 401], /oob_code is expired/],
    [
      'a malformed oob_code',
      async () => verifyMfa(parts, { ...(await login()), oobCode: 'x' }),
      ['mfa_expired', 401],
      /Malformed/,
    ],
    ['an oob_code of another login', foreignOobCode, ['invalid_request', 400], /doesn't match/],
    ['no binding code', withoutBindingCode, ['invalid_request', 400], /binding_code/],
    ['too many wrong codes', tooManyCodes, ['too_many_attempts', 429], /Too many failed codes/],
    ['too many messages', tooManySms, ['too_many_attempts', 429], /Too many SMS/],
    ['a bad phone number', () => enroll({ phoneNumber: '0123' }), ['invalid_request', 400], /phone number is invalid/],
    ['no phone number', () => enroll({}), ['invalid_request', 400], /phone_number/],
    ['a user who is enrolled', alreadyEnrolled, ['invalid_request', 400], /already enrolled/],
    ['a user who is not', notEnrolled, ['invalid_request', 400], /association_required/],
    ['a factor that the user has not', noSuchFactor, ['invalid_request', 400], /unsupported_challenge_type/],
  ])('%s', async (_, call, [code, status, retryAfter], detail) => {
    const err = await rejection(call())
    expect(outcome(err)).toEqual([code, status, retryAfter])
    expect(err.detail).toMatch(detail)
    expect(inspect(err, { showHidden: true, depth: 9 }) + err.detail).not.toContain('Fe26')
  })

  it.each(['mfa-otp', 'mfa-oob', 'mfa-recovery-code'])('the grant %s that is off', async (grant) => {
    const proofs = { 'mfa-otp': { otp: '1' }, 'mfa-oob': { oobCode: 'x' }, 'mfa-recovery-code': { recoveryCode: 'x' } }
    const waiting = await login()
    emulator.tenant.grantTypes = ['password']
    const err = await rejection(verifyMfa(parts, { ...waiting, ...proofs[grant as keyof typeof proofs] }))
    expect(err).toBeInstanceOf(ConfigurationError)
    expect(err.detail).toMatch(/turn on MFA under Applications > .* > Grant Types/)
    expect(err.message).toBe('Login is currently unavailable.')
  })

  it('a wrong client secret', async () => {
    const { mfaToken } = await login()
    await open.close()
    const config = { ...parts.config, clientSecret: 'wrong' }
    open = createAuth0Client(config)
    const err = await rejection(challengeMfa({ ...parts, config, client: open }, { mfaToken }))
    expect(err.detail).toMatch(/clientSecret/)
  })
})

describe('answers that only Auth0 gives', () => {
  const rejected = 'MFA Authorization rejected.'
  const otp = () => verifyMfa(parts, { mfaToken: 'x', otp: '1' })
  const push = () => verifyMfa(parts, { mfaToken: 'x', oobCode: 'x' })
  const binding = () => verifyMfa(parts, { mfaToken: 'x', oobCode: 'x', bindingCode: '1' })

  it.each<[string, () => Promise<unknown>, object, unknown[]]>([
    ['403 invalid_grant', otp, { status: 403, error: 'invalid_grant' }, ['invalid_mfa_code', 401]],
    [
      'a refused push as documented',
      push,
      { status: 400, error: 'invalid_grant', text: rejected },
      ['mfa_denied', 403],
    ],
    ['a refused push without a text', push, { status: 403, error: 'access_denied' }, ['mfa_denied', 403]],
    ['a refused push as 401', push, { status: 401, error: 'access_denied', text: rejected }, ['mfa_denied', 403]],
    [
      'the same of a binding code',
      binding,
      { status: 403, error: 'access_denied', text: rejected },
      ['invalid_mfa_code', 401],
    ],
    ['an Action that denies', otp, { status: 403, error: 'access_denied', text: 'no' }, ['access_denied', 403]],
    ['a blocked user', otp, { status: 401, error: 'unauthorized', text: 'user is blocked' }, ['account_blocked', 403]],
    ['a code nobody knows', otp, { status: 400, error: 'new_error' }, ['access_denied', 403]],
    ['expired_token as 403', otp, { status: 403, error: 'expired_token' }, ['mfa_expired', 401]],
    [
      'a token of another client',
      otp,
      { status: 400, error: 'invalid_request', text: 'mfa_token not issued to this client' },
      ['mfa_expired', 401],
    ],
    ['slow_down as 429', push, { status: 429, error: 'slow_down' }, ['mfa_pending', 202, '10']],
    [
      'a pending push with a time to wait',
      push,
      { status: 400, error: 'authorization_pending', wait: '7' },
      ['mfa_pending', 202, '7'],
    ],
    ['too many codes as 429', otp, { status: 429, error: 'too_many_attempts' }, ['too_many_attempts', 429]],
    [
      'the tenant throttled',
      otp,
      { status: 429, error: 'too_many_requests', wait: '3' },
      ['auth_unavailable', 503, '3'],
    ],
    ['an outage', otp, { status: 503, error: 'temporarily_unavailable' }, ['auth_unavailable', 503, '5']],
  ])('%s', async (_, call, answer, [code, status, retryAfter]) => {
    const { status: sent, error, text, wait } = answer as Record<'status' | 'error' | 'text' | 'wait', string>
    const headers = wait ? { 'retry-after': wait } : {}
    emulator.failNext({ status: Number(sent), body: { error, error_description: text }, headers })
    expect(outcome(await rejection(call()))).toEqual([code, status, retryAfter])
  })

  const calls: [path: string, call: () => Promise<unknown>][] = [
    ['/mfa/authenticators', () => listAuthenticators(parts, 'x')],
    ['/mfa/challenge', () => challengeMfa(parts, { mfaToken: 'x' })],
    ['/mfa/associate', () => enrollMfa(parts, { mfaToken: 'x', type: 'otp' })],
  ]

  describe.each(calls)('at %s', (path, call) => {
    it.each(['invalid_grant', 'invalid_token'])('%s without a text is mfa_expired', async (error) => {
      emulator.failNext({ path, status: 401, body: { error } })
      expect(await rejection(call())).toMatchObject({ code: 'mfa_expired' })
    })

    it.each([
      ['an outage', { status: 502, body: '<html>' }, /Auth0 answered 502 .*mfa api at/],
      ['a reset connection', { reset: true }, /unreachable .*mfa api at/],
      ['no JSON', { status: 200, body: '<html>' }, /not a valid MFA API response/],
      ['other JSON', { status: 200, body: { challenge_type: 'oob' } }, /not a valid MFA API response/],
      [
        'null',
        { status: 200, body: 'null', headers: { 'content-type': 'application/json' } },
        /not a valid MFA API response/,
      ],
    ])('%s is auth_unavailable', async (_, fault, detail) => {
      emulator.failNext({ path, ...fault })
      const err = await rejection(call())
      expect(err).toBeInstanceOf(ApiError)
      expect(err.detail).toMatch(detail)
    })
  })

  it('are waited for no longer than the deadline', async () => {
    await restart({ timeouts: { auth0: 200 } })
    await parts.client.configuration()
    emulator.failNext({ path: '/mfa/authenticators', hang: true })
    expect(await rejection(listAuthenticators(parts, 'x'))).toBeInstanceOf(ApiError)
  })
})

describe('secrets that Auth0 echoes', () => {
  const mfaToken = 'Fe26.2*canary-token'
  const oobCode = 'canary-oob-code'

  it.each<[string, string, () => Promise<unknown>]>([
    ['/mfa/authenticators', mfaToken, () => listAuthenticators(parts, mfaToken)],
    ['/mfa/challenge', mfaToken, () => challengeMfa(parts, { mfaToken })],
    ['/mfa/associate', mfaToken, () => enrollMfa(parts, { mfaToken, type: 'otp' })],
    ['/oauth/token', mfaToken, () => verifyMfa(parts, { mfaToken, otp: '1' })],
    ['/oauth/token', '135791', () => verifyMfa(parts, { mfaToken, otp: '135791' })],
    ['/oauth/token', oobCode, () => verifyMfa(parts, { mfaToken, oobCode })],
    ['/oauth/token', '135791', () => verifyMfa(parts, { mfaToken, oobCode, bindingCode: '135791' })],
    ['/oauth/token', 'CANARYRECOVERY', () => verifyMfa(parts, { mfaToken, recoveryCode: 'CANARYRECOVERY' })],
  ])('at %s: %s appears nowhere', async (path, echoed, call) => {
    emulator.failNext({ path, status: 401, body: { error: 'invalid_grant', error_description: `not ${echoed}` } })
    const err = await rejection(call())
    expect(err.auth0).toMatchObject({ error: 'invalid_grant', description: '[concealed]' })
    expect(inspect(err, { showHidden: true, depth: 9 }) + err.detail + JSON.stringify(err)).not.toContain(echoed)
  })
})
