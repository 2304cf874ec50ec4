import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { startAuth0Emulator, type Auth0Emulator, type EmulatorFactor } from '../../lib/testing/emulator.js'
import { totpCode, totpPeriod } from '../../lib/testing/emulator/totp.js'
import {
  associate,
  authenticators,
  challenge,
  exchange,
  mfaTokenOf,
  MFA_OOB,
  MFA_OTP,
  MFA_RECOVERY_CODE,
} from './mfa-client.js'
import { ADA, API, logIn, post, refresh, refreshTokenOf, type Reply } from './tenant-client.js'

let emulator: Auth0Emulator

beforeEach(async () => {
  emulator = await startAuth0Emulator({ users: [{ email: ADA.username, password: ADA.password, mfa: true }] })
  // Crossing into the next period would change the codes.
  emulator.clock.advance(30 - ((emulator.clock.now() / 1000) % 30))
})

afterEach(() => emulator.close())

const said = ({ status, body }: Reply) => [status, body.error, body.error_description]
const malformed = [401, 'invalid_grant', 'Malformed mfa_token']
const invalid = [401, 'invalid_grant', 'The mfa_token provided is invalid. Try getting a new token.']
const rejected = 'MFA Authorization rejected.'
const tooManyCodes = [400, 'invalid_request', 'Too many failed codes. Wait for some minutes before retrying.']

function setUp(...factors: (EmulatorFactor | EmulatorFactor['type'])[]): void {
  const complete = factors.map((factor) => (typeof factor === 'string' ? { type: factor } : factor))
  emulator.users.update(ADA.username, { mfa: { factors: complete } })
}

const otp = (mfa_token: string, code = emulator.mfa.code(ADA.username)) =>
  exchange(emulator, MFA_OTP, { mfa_token, otp: code })

const recover = (mfa_token: string, recovery_code: string) =>
  exchange(emulator, MFA_RECOVERY_CODE, { mfa_token, recovery_code })

const oob = (mfa_token: string, oob_code: unknown, binding_code?: string) =>
  exchange(emulator, MFA_OOB, { mfa_token, oob_code: String(oob_code), binding_code })

const lastSent = () => emulator.mfa.sent.at(-1)!

/** A login that is waiting for the code sent to Ada. */
async function challenged(fields: object = {}) {
  const mfaToken = await mfaTokenOf(emulator)
  const { body } = await challenge(emulator, mfaToken, fields)
  return { mfaToken, oobCode: String(body.oob_code) }
}

async function status(replies: Promise<Reply>[]): Promise<number[]> {
  return (await Promise.all(replies)).map((reply) => reply.status)
}

describe('mfa_required', () => {
  it.each<[EmulatorFactor[], object]>([
    [[], { enroll: [{ type: 'otp' }, { type: 'phone' }, { type: 'push-notification' }] }],
    [[{ type: 'otp', active: false }], { enroll: expect.any(Array) }],
    [
      [{ type: 'sms' }, { type: 'voice' }, { type: 'email' }, { type: 'push' }, { type: 'recovery-code' }],
      { challenge: ['phone', 'email', 'push-notification', 'recovery-code'].map((type) => ({ type })) },
    ],
  ])('with the factors %j names what they ask for', async (factors, requirements) => {
    setUp(...factors)
    expect((await logIn(emulator)).body.mfa_requirements).toEqual(requirements)
  })

  it('comes on a refresh, and its completion yields what the refresh asked for', async () => {
    emulator.users.update(ADA.username, { mfa: undefined })
    const first = await refreshTokenOf(emulator)
    emulator.users.update(ADA.username, { mfaOnRefresh: true })
    const { status, body } = await refresh(emulator, first, { scope: 'openid email offline_access' })
    expect([status, body.error]).toEqual([403, 'mfa_required'])
    expect(emulator.refreshTokens.isActive(first)).toBe(true)
    const done = await otp(String(body.mfa_token))
    expect(done.body).toMatchObject({ scope: 'openid email offline_access', id_token: expect.any(String) })
    expect(emulator.refreshTokens.isActive(done.body.refresh_token)).toBe(true)
    expect(emulator.refreshTokens.isActive(first)).toBe(false)
  })

  it('on a refresh whose token was revoked in between ends in the refusal of that token', async () => {
    emulator.users.update(ADA.username, { mfa: undefined, mfaOnRefresh: true })
    const token = await refreshTokenOf(emulator)
    const { body } = await refresh(emulator, token)
    emulator.refreshTokens.revoke(token)
    expect(said(await otp(String(body.mfa_token)))).toEqual([
      ...[403, 'invalid_grant', 'Unknown or invalid refresh token.'],
    ])
  })
})

describe('mfa_token', () => {
  it('is bound to the scope, audience and user of its login', async () => {
    const scope = 'openid email read:posts offline_access'
    const token = await mfaTokenOf(emulator, { scope, audience: API })
    emulator.users.add({ email: 'grace@example.com', password: ADA.password, mfa: true })
    await mfaTokenOf(emulator, { username: 'grace@example.com', scope: 'openid' })
    const { body } = await otp(token)
    const { sub } = emulator.users.get(ADA.username)!
    expect(decodeJwt(body.access_token)).toMatchObject({ sub, scope, aud: [API, `${emulator.issuer}userinfo`] })
    expect(decodeJwt(body.id_token)).toMatchObject({ sub, email: ADA.username })
    expect((await refresh(emulator, body.refresh_token)).status).toBe(200)
  })

  it('works once', async () => {
    const token = await mfaTokenOf(emulator)
    expect((await otp(token)).status).toBe(200)
    emulator.clock.advance(30)
    expect(said(await otp(token))).toEqual(malformed)
    expect(said(await authenticators(emulator, token))).toEqual(invalid)
  })

  it('works once for two concurrent requests', async () => {
    const token = await mfaTokenOf(emulator)
    const recovery = recover(token, emulator.mfa.recoveryCode(ADA.username))
    expect((await status([otp(token), recovery])).sort()).toEqual([200, 401])
  })

  it('survives wrong codes', async () => {
    const token = await mfaTokenOf(emulator)
    await otp(token, 'wrong')
    expect((await otp(token)).status).toBe(200)
  })

  it('expires after 300 seconds', async () => {
    const token = await mfaTokenOf(emulator)
    emulator.clock.advance(300)
    expect(said(await otp(token))).toEqual([401, 'expired_token', 'mfa_token is expired'])
    expect(said(await authenticators(emulator, token))).toEqual(invalid)
    expect(said(await associate(emulator, token, {}))).toEqual(invalid)
    expect(said(await challenge(emulator, token))).toEqual(invalid)
  })

  it('that is invalid is malformed at the token endpoint and invalid at the MFA API', async () => {
    expect(said(await otp('garbage'))).toEqual(malformed)
    expect(said(await recover('garbage', 'x'))).toEqual(malformed)
    expect(said(await oob('garbage', 'x'))).toEqual(malformed)
    expect(said(await authenticators(emulator, 'garbage'))).toEqual(invalid)
    expect(said(await challenge(emulator, undefined))).toEqual(invalid)
  })

  it('ends with its user, and is refused for a blocked user', async () => {
    const token = await mfaTokenOf(emulator)
    const code = emulator.mfa.code(ADA.username)
    emulator.users.update(ADA.username, { blocked: true })
    expect(said(await otp(token, code))).toEqual([401, 'unauthorized', 'user is blocked'])
    emulator.users.remove(ADA.username)
    expect(said(await otp(token, code))).toEqual(malformed)
    expect(said(await authenticators(emulator, token))).toEqual(invalid)
  })
})

describe('the MFA grants', () => {
  it.each([MFA_OTP, MFA_OOB, MFA_RECOVERY_CODE])('%s needs the client and its leave', async (grant_type) => {
    const fields = { grant_type, mfa_token: 'x' }
    expect((await post(emulator, '/oauth/token', { ...fields, client_secret: 'wrong' })).status).toBe(401)
    emulator.tenant.grantTypes = ['password']
    expect(said(await post(emulator, '/oauth/token', fields))).toEqual([
      ...[403, 'unauthorized_client', `Grant type '${grant_type}' not allowed for the client.`],
    ])
  })

  it.each([
    [MFA_OTP, {}, 'mfa_token'],
    [MFA_OTP, { mfa_token: '' }, 'otp'],
    [MFA_OOB, { mfa_token: '' }, 'oob_code'],
    [MFA_RECOVERY_CODE, { mfa_token: '' }, 'recovery_code'],
  ])('%s with %j misses %s', async (grantType, fields, name) => {
    const token = 'mfa_token' in fields ? { mfa_token: await mfaTokenOf(emulator) } : {}
    const text = `Missing required parameter: ${name}`
    expect(said(await exchange(emulator, grantType, token))).toEqual([400, 'invalid_request', text])
  })

  it('are recorded without tokens and codes', async () => {
    setUp('otp', 'sms', 'recovery-code')
    const { mfaToken, oobCode } = await challenged({ oob_channel: 'sms' })
    await otp(mfaToken, '123123')
    await oob(mfaToken, oobCode, '321321')
    await recover(mfaToken, 'SECRETCODE')
    const params = JSON.stringify(emulator.requests.map((request) => request.params))
    for (const secret of [mfaToken, oobCode, '123123', '321321', 'SECRETCODE']) expect(params).not.toContain(secret)
    expect(emulator.requests.map(({ grantType }) => grantType)).toContain(MFA_RECOVERY_CODE)
  })
})

describe('a one-time password', () => {
  it('is that of RFC 6238', () => {
    const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
    const at = (seconds: number) => totpCode(secret, totpPeriod(seconds * 1000))
    expect([59, 1_111_111_109, 20_000_000_000].map(at)).toEqual(['287082', '081804', '353130'])
  })

  it.each([
    [-60, 401],
    [-30, 200],
    [30, 200],
    [60, 401],
  ])('off by %i seconds is answered with %i', async (drift, expected) => {
    emulator.clock.advance(drift)
    const code = emulator.mfa.code(ADA.username)
    emulator.clock.advance(-drift)
    expect((await otp(await mfaTokenOf(emulator), code)).status).toBe(expected)
  })

  it('works once, also for another login', async () => {
    const code = emulator.mfa.code(ADA.username)
    await otp(await mfaTokenOf(emulator), code)
    const token = await mfaTokenOf(emulator)
    expect(said(await otp(token, code))).toEqual([401, 'invalid_grant', 'Invalid otp_code.'])
    emulator.clock.advance(30)
    expect((await otp(token)).status).toBe(200)
  })

  it('is refused after ten wrong ones, until one is forgiven after six minutes', async () => {
    const token = await mfaTokenOf(emulator)
    for (let i = 0; i < 10; i++) await otp(token, 'wrong')
    expect(said(await otp(token))).toEqual(tooManyCodes)
    expect(said(await recover(token, 'x'))).toEqual(tooManyCodes)
    emulator.clock.advance(361)
    expect((await otp(await mfaTokenOf(emulator))).status).toBe(200)
  })

  it('is accepted again after resetCounters()', async () => {
    const token = await mfaTokenOf(emulator)
    for (let i = 0; i < 10; i++) await otp(token, 'wrong')
    emulator.resetCounters()
    expect((await otp(token)).status).toBe(200)
  })
})

describe('a recovery code', () => {
  it('is replaced by a new one', async () => {
    const code = emulator.mfa.recoveryCode(ADA.username)
    expect(code).toMatch(/^[A-Z0-9]{24}$/)
    const { body } = await recover(await mfaTokenOf(emulator), code)
    expect(body).toMatchObject({ access_token: expect.any(String), recovery_code: expect.not.stringContaining(code) })
    expect(emulator.mfa.recoveryCode(ADA.username)).toBe(body.recovery_code)
    expect(said(await recover(await mfaTokenOf(emulator), code))).toEqual([401, 'invalid_grant', rejected])
  })

  it('is rejected if the user has none', async () => {
    setUp('otp')
    expect(said(await recover(await mfaTokenOf(emulator), 'x'))).toEqual([401, 'invalid_grant', rejected])
    expect(() => emulator.mfa.recoveryCode(ADA.username)).toThrow('recovery-code')
    expect(() => emulator.mfa.code('nobody@example.com')).toThrow('no user')
  })
})

describe('GET /mfa/authenticators', () => {
  it('lists every factor, including unconfirmed ones', async () => {
    setUp(
      'otp',
      { type: 'sms', name: 'XXXXXXXXX9167' },
      'email',
      'push',
      { type: 'otp', active: false },
      'recovery-code',
    )
    const { body } = await authenticators(emulator, await mfaTokenOf(emulator))
    const id = (prefix: string) => expect.stringMatching(`^${prefix}\\|dev_\\w{16}$`)
    expect(body).toEqual([
      { id: id('totp'), authenticator_type: 'otp', active: true },
      { id: id('sms'), authenticator_type: 'oob', active: true, oob_channel: 'sms', name: 'XXXXXXXXX9167' },
      { id: id('email'), authenticator_type: 'oob', active: true, oob_channel: 'email', name: 'a***@exam*******' },
      { id: id('push'), authenticator_type: 'oob', active: true, oob_channel: 'auth0' },
      { id: id('totp'), authenticator_type: 'otp', active: false },
      { id: id('recovery-code'), authenticator_type: 'recovery-code', active: true },
    ])
  })

  it('needs a bearer', async () => {
    expect((await fetch(`${emulator.domain}/mfa/authenticators`)).status).toBe(401)
  })
})

describe('POST /mfa/challenge', () => {
  it('asks for a one-time password', async () => {
    const { status, body } = await challenge(emulator, await mfaTokenOf(emulator))
    expect([status, body]).toEqual([200, { challenge_type: 'otp' }])
    expect(emulator.mfa.sent).toEqual([])
  })

  it.each(['sms', 'voice', 'email'] as const)('sends a code by %s, which logs in', async (channel) => {
    setUp('otp', channel)
    const mfaToken = await mfaTokenOf(emulator)
    const { body } = await challenge(emulator, mfaToken, { challenge_type: 'oob', oob_channel: channel })
    expect(body).toEqual({
      challenge_type: 'oob',
      oob_code: expect.stringMatching(/^Fe26\.2\*/),
      binding_method: 'prompt',
    })
    const { code, at, ...message } = lastSent()
    expect(message).toEqual({ email: ADA.username, channel, ...(channel === 'email' && { to: ADA.username }) })
    expect(at).toBeLessThanOrEqual(emulator.clock.now())
    expect(said(await oob(mfaToken, body.oob_code, 'wrong'))).toEqual([401, 'invalid_grant', 'Invalid binding_code.'])
    expect((await oob(mfaToken, body.oob_code, code)).status).toBe(200)
  })

  it('uses the given authenticator', async () => {
    setUp('otp', 'sms', 'email')
    const mfaToken = await mfaTokenOf(emulator)
    const list = (await authenticators(emulator, mfaToken)).body as unknown as { id: string }[]
    await challenge(emulator, mfaToken, { authenticator_id: list[2]!.id })
    expect(lastSent().channel).toBe('email')
    expect(said(await challenge(emulator, mfaToken, { authenticator_id: 'sms|dev_other' }))).toEqual([
      ...[400, 'invalid_request', 'Unknown authenticator_id'],
    ])
  })

  it('needs the client', async () => {
    const mfaToken = await mfaTokenOf(emulator)
    const refused = [401, 'access_denied', 'Unauthorized']
    expect(said(await challenge(emulator, mfaToken, { client_secret: 'wrong' }))).toEqual(refused)
  })

  it('is refused to a user without a factor', async () => {
    setUp({ type: 'otp', active: false })
    const refused = [400, 'association_required', 'User is not enrolled with guardian']
    expect(said(await challenge(emulator, await mfaTokenOf(emulator)))).toEqual(refused)
  })

  it.each([{ challenge_type: 'oob' }, { challenge_type: 'magic' }, { oob_channel: 'sms' }])(
    'is refused where no factor matches %j',
    async (wanted) => {
      const reply = await challenge(emulator, await mfaTokenOf(emulator), wanted)
      expect(said(reply)).toEqual([401, 'unsupported_challenge_type', expect.stringContaining('Available: otp')])
    },
  )

  it.each([
    ['sms', 10, 3600, 'SMS'],
    ['voice', 10, 3600, 'SMS'],
    ['email', 20, 60, 'emails'],
    ['push', 5, 60, 'push notifications'],
  ] as const)('by %s is refused after %i, for %i seconds', async (type, most, refill, what) => {
    setUp(type)
    const mfaToken = await mfaTokenOf(emulator)
    for (let i = 0; i < most; i++) expect((await challenge(emulator, mfaToken)).status).toBe(200)
    const text = `Too many ${what} sent by the user. Wait for some minutes before retrying.`
    expect(said(await challenge(emulator, mfaToken))).toEqual([400, 'invalid_request', text])
    emulator.clock.advance(refill + 1)
    expect((await challenge(emulator, await mfaTokenOf(emulator))).status).toBe(200)
  })
})

describe('an oob_code', () => {
  beforeEach(() => setUp('sms'))

  it('asks for its binding code', async () => {
    const { mfaToken, oobCode } = await challenged()
    const refused = [400, 'invalid_request', 'Missing required parameter: binding_code']
    expect(said(await oob(mfaToken, oobCode))).toEqual(refused)
  })

  it('belongs to its login', async () => {
    const { oobCode } = await challenged()
    const { code } = lastSent()
    const refused = [400, 'invalid_request', "The oob_code doesn't match the mfa_token"]
    expect(said(await oob(await mfaTokenOf(emulator), oobCode, code))).toEqual(refused)
  })

  it('expires after 300 seconds', async () => {
    const { oobCode } = await challenged()
    emulator.clock.advance(300)
    const refused = [403, 'expired_token', 'oob_code is expired']
    expect(said(await oob(await mfaTokenOf(emulator), oobCode, lastSent().code))).toEqual(refused)
  })

  it('that is invalid is malformed', async () => {
    const refused = [401, 'invalid_grant', 'Malformed oob_code']
    expect(said(await oob(await mfaTokenOf(emulator), 'garbage', '1'))).toEqual(refused)
  })

  it('is refused after ten wrong binding codes', async () => {
    const { mfaToken, oobCode } = await challenged()
    const { code } = lastSent()
    for (let i = 0; i < 10; i++) await oob(mfaToken, oobCode, 'wrong')
    expect(said(await oob(mfaToken, oobCode, code))).toEqual(tooManyCodes)
  })
})

describe('a push notification', () => {
  const pending = [
    ...[400, 'authorization_pending', 'Authorization pending: please repeat the request in a few seconds.'],
  ]
  beforeEach(() => setUp('push'))

  it('is pending until it is approved', async () => {
    const mfaToken = await mfaTokenOf(emulator)
    const { body } = await challenge(emulator, mfaToken)
    expect(body).toEqual({ challenge_type: 'oob', oob_code: expect.any(String) })
    expect(said(await oob(mfaToken, body.oob_code))).toEqual(pending)
    emulator.mfa.approvePush(ADA.username)
    expect((await oob(mfaToken, body.oob_code)).status).toBe(200)
  })

  it('that is denied stays denied, and another may be sent', async () => {
    const { mfaToken, oobCode } = await challenged()
    emulator.mfa.denyPush(ADA.username)
    const denied = [400, 'access_denied', rejected]
    expect(said(await oob(mfaToken, oobCode))).toEqual(denied)
    expect(said(await oob(mfaToken, oobCode))).toEqual(denied)
    expect(() => emulator.mfa.approvePush(ADA.username)).toThrow('no push notification')
    const { body } = await challenge(emulator, mfaToken)
    emulator.mfa.approvePush(ADA.username)
    expect((await oob(mfaToken, body.oob_code)).status).toBe(200)
  })

  it('may be asked about twelve times, then every five seconds', async () => {
    const { mfaToken, oobCode } = await challenged()
    for (let i = 0; i < 12; i++) expect(said(await oob(mfaToken, oobCode))).toEqual(pending)
    expect((await oob(mfaToken, oobCode)).body.error).toBe('slow_down')
    emulator.clock.advance(6)
    expect(said(await oob(mfaToken, oobCode))).toEqual(pending)
  })
})

describe('POST /mfa/associate', () => {
  beforeEach(() => setUp())

  const afterwards = async () => (await logIn(emulator)).body.mfa_requirements

  it('enrolls an authenticator app, confirmed by its first code', async () => {
    const mfaToken = await mfaTokenOf(emulator)
    const { body } = await associate(emulator, mfaToken, { authenticator_types: ['otp'] })
    const secret = String(body.secret)
    expect(body).toEqual({
      authenticator_type: 'otp',
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      barcode_uri: expect.stringMatching(/^otpauth:\/\/totp\/emulator:ada%40example\.com\?secret=[A-Z2-7]{32}&/),
      recovery_codes: [expect.stringMatching(/^[A-Z0-9]{24}$/)],
    })
    expect(await afterwards()).toHaveProperty('enroll')
    expect((await otp(mfaToken, emulator.mfa.enrollCode(secret))).status).toBe(200)
    expect(await afterwards()).toEqual({ challenge: [{ type: 'otp' }, { type: 'recovery-code' }] })
    expect([emulator.mfa.recoveryCode(ADA.username)]).toEqual(body.recovery_codes)
    expect(emulator.mfa.code(ADA.username)).toBe(emulator.mfa.enrollCode(secret))
  })

  it.each([
    ['sms', { phone_number: '+15550109167' }, '+15550109167', ['phone', 'recovery-code']],
    ['voice', { phone_number: '+15550109167' }, '+15550109167', ['phone', 'recovery-code']],
    ['email', { email: 'second@example.com' }, 'second@example.com', ['email', 'recovery-code']],
    ['email', {}, ADA.username, ['email', 'recovery-code']],
  ])('enrolls %s with %j', async (channel, fields, to, types) => {
    const mfaToken = await mfaTokenOf(emulator)
    const wanted = { authenticator_types: ['oob'], oob_channels: [channel], ...fields }
    const { body } = await associate(emulator, mfaToken, wanted)
    expect(body).toMatchObject({ authenticator_type: 'oob', binding_method: 'prompt', oob_channel: channel })
    expect(body.recovery_codes).toHaveLength(1)
    expect(lastSent()).toMatchObject({ channel, to })
    expect((await oob(mfaToken, body.oob_code, lastSent().code)).status).toBe(200)
    expect(await afterwards()).toEqual({ challenge: types.map((type) => ({ type })) })
  })

  it('enrolls push along with an authenticator app', async () => {
    const mfaToken = await mfaTokenOf(emulator)
    const { body } = await associate(emulator, mfaToken, { authenticator_types: ['oob'], oob_channels: ['auth0'] })
    expect(body).toMatchObject({ oob_channel: 'auth0', barcode_uri: expect.stringContaining('enrollment_tx_id=') })
    expect(body).not.toHaveProperty('binding_method')
    expect((await oob(mfaToken, body.oob_code)).body.error).toBe('authorization_pending')
    emulator.mfa.approvePush(ADA.username)
    expect((await oob(mfaToken, body.oob_code)).status).toBe(200)
    const types = ['push-notification', 'otp', 'recovery-code']
    expect(await afterwards()).toEqual({ challenge: types.map((type) => ({ type })) })
  })

  it('activates only what was confirmed, and gives the recovery code once', async () => {
    const mfaToken = await mfaTokenOf(emulator)
    await associate(emulator, mfaToken, { authenticator_types: ['oob'], oob_channels: ['email'] })
    const { body } = await associate(emulator, mfaToken, { authenticator_types: ['otp'] })
    expect(body).not.toHaveProperty('recovery_codes')
    await otp(mfaToken, emulator.mfa.enrollCode(String(body.secret)))
    expect(await afterwards()).toEqual({ challenge: [{ type: 'recovery-code' }, { type: 'otp' }] })
  })

  it('does not let another login confirm', async () => {
    const { body } = await associate(emulator, await mfaTokenOf(emulator), { authenticator_types: ['otp'] })
    const code = emulator.mfa.enrollCode(String(body.secret))
    expect((await otp(await mfaTokenOf(emulator), code)).body.error).toBe('invalid_grant')
  })

  it('is refused to a user with a factor', async () => {
    setUp('otp')
    const reply = await associate(emulator, await mfaTokenOf(emulator), { authenticator_types: ['otp'] })
    expect(said(reply)).toEqual([403, 'access_denied', 'User is already enrolled.'])
  })

  it.each([
    [{}, 'Missing required parameter: authenticator_types'],
    [{ authenticator_types: ['oob'] }, 'Missing required parameter: oob_channels'],
    [{ authenticator_types: ['oob'], oob_channels: ['sms'] }, 'Missing required parameter: phone_number'],
    [
      { authenticator_types: ['oob'], oob_channels: ['sms'], phone_number: '5550109167' },
      'The phone number is invalid.',
    ],
  ])('refuses %j', async (body, text) => {
    const reply = await associate(emulator, await mfaTokenOf(emulator), body)
    expect(said(reply)).toEqual([400, 'invalid_request', text])
  })

  it('forgets what was enrolled when the test changes the factors', async () => {
    const mfaToken = await mfaTokenOf(emulator)
    const { body } = await associate(emulator, mfaToken, { authenticator_types: ['otp'] })
    await otp(mfaToken, emulator.mfa.enrollCode(String(body.secret)))
    setUp()
    expect(await afterwards()).toHaveProperty('enroll')
  })
})

describe('failNext', () => {
  it.each([
    [401, 'expired_token', 'mfa_token is expired'],
    [400, 'invalid_request', 'mfa_token not issued to this client'],
    [429, 'slow_down', undefined],
  ])('answers an MFA grant with %i %s %s', async (status, error, error_description) => {
    emulator.failNext({ grantType: MFA_OTP, status, body: { error, error_description } })
    expect(said(await exchange(emulator, MFA_OTP, {}))).toEqual([status, error, error_description])
  })

  it('spoils the MFA API by its paths', async () => {
    emulator.failNext({ path: '/mfa/challenge', status: 503 })
    expect((await challenge(emulator, 'x')).status).toBe(503)
    expect((await challenge(emulator, 'x')).status).toBe(401)
  })
})
