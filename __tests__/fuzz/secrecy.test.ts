import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, it } from '@jest/globals'
import fc from 'fast-check'
import request from 'supertest'
import { type AuthError, createRopgAuth, type RopgAuth } from '../../lib/index.ts'
import { type Auth0Emulator, signIn, startAuth0Emulator } from '../../lib/testing/index.ts'
import { secretApp } from './secret-app.ts'

const SEED = Number(process.env.FUZZ_SEED ?? 20_261_126)
const RUNS = 80

const clientSecret = 'canary-client secret/+"é"?&=100%-of-forty-eight-chars'
const sessionSecret = 'canary-session secret/+"é"?&=100%-of-forty-eight'

let emulator: Auth0Emulator
let auth: RopgAuth
let site: ReturnType<typeof secretApp>

beforeAll(async () => {
  emulator = await startAuth0Emulator({ clientSecret })
  site = secretApp((listeners) => {
    auth = createRopgAuth({
      ...{ domain: emulator.domain, clientId: emulator.clientId, clientSecret, ...listeners },
      ...{ session: { secret: sessionSecret }, rateLimit: false, mfa: 'api' },
    })
    return auth
  })
})

afterAll(async () => {
  await auth.close()
  await emulator.close()
})

/** Encodings of a secret. */
const WRITTEN: Record<string, (secret: string) => string> = {
  plain: (secret) => secret,
  'for a URL': encodeURIComponent,
  'for a URL in lower case': (secret) => encodeURIComponent(secret).replace(/%../g, (part) => part.toLowerCase()),
  'as a form': (secret) => new URLSearchParams({ x: secret }).toString().slice(2),
  'for JSON': (secret) => JSON.stringify(secret).slice(1, -1),
  'for JSON twice': (secret) => JSON.stringify(JSON.stringify(secret)).slice(3, -3),
  'as Base64': (secret) => Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  'as base64url': (secret) => Buffer.from(secret).toString('base64url'),
  'as hexadecimal': (secret) => Buffer.from(secret).toString('hex'),
  'as hexadecimal in capitals': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
}

const secret = fc.string({ unit: 'grapheme', minLength: 4, maxLength: 30 }).map((text) => `canary-${text}.`)

const surroundings = fc.constantFrom('', ' ', '"', 'user=ada&password=', 'x'.repeat(95), 'x'.repeat(495), 'é=')

/** How Auth0 echoes a secret. */
const echo = fc.record({
  how: fc.constantFrom(...Object.keys(WRITTEN)),
  before: surroundings,
  after: surroundings,
  where: fc.constantFrom('error', 'error_description', 'description', 'message', 'nested', 'page', 'header', 'token'),
  status: fc.constantFrom(200, 400, 401, 403, 429, 500, 502),
  error: fc.constantFrom(
    'invalid_grant',
    'access_denied',
    'unauthorized',
    'invalid_client',
    'server_error',
    'own_code',
  ),
})

type Echo = typeof echo extends fc.Arbitrary<infer T> ? T : never

function faultOf({ how, before, after, where, status, error }: Echo, text: string) {
  const said = `${before}${WRITTEN[how]!(text)}${after}`
  if (where === 'page') return { status, body: `<pre>${said}</pre>`, headers: { 'content-type': 'text/html' } }
  if (where === 'header') return { status, body: { error }, headers: { 'x-debug': encodeURIComponent(said) } }
  if (where === 'nested') return { status, body: { error, details: { password: [said] } } }
  if (where === 'token') return { status, body: { access_token: said, token_type: said, id_token: said, scope: said } }
  return { status, body: { error, [where]: said } }
}

/** Everything that a program prints of a value. */
function shown(value: unknown): string {
  // Without getters, because MfaRequiredError exposes the MFA token through one on purpose.
  const everything = { depth: null, showHidden: true, getters: false, maxStringLength: null } as const
  const { stack, cause, message, detail, auth0 } = Object(value) as Partial<AuthError>
  const parts = [value, cause, auth0].flatMap((part) => [inspect(part, everything), JSON.stringify(part)])
  return [...parts, stack, message, detail, String(value)].join('\n')
}

function expectHidden(secrets: Record<string, string>, answer: string): void {
  const told = [answer, ...site.told.splice(0).map(shown)].join('\n')
  const found = Object.entries({ ...secrets, clientSecret, sessionSecret }).flatMap(([name, text]) =>
    Object.entries(WRITTEN).flatMap(([how, write]) => (told.includes(write(text)) ? [`${name} ${how}`] : [])),
  )
  if (found.length > 0) throw new Error(`shown: ${found.join(', ')} in ${told}`)
}

const answerOf = ({ text, headers }: request.Response) => {
  const { 'set-cookie': _, ...others } = headers as Record<string, string>
  return `${text}\n${JSON.stringify(others)}`
}

const username = 'ada@example.com'

/** Calls that lead to an Auth0 error, each with the client's secret that is at risk. */
const WAYS: Record<string, (given: string, fault: Echo) => Promise<string>> = {
  'POST /login with a password': async (password, fault) => {
    emulator.failNext(faultOf(fault, password))
    return answerOf(await request(site.app).post('/auth/login').send({ username, password }))
  },
  'POST /login with a client secret': async (password, fault) => {
    emulator.failNext(faultOf(fault, clientSecret))
    return answerOf(await request(site.app).post('/auth/login').send({ username, password }))
  },
  'getTokenByPassword() with a password': async (password, fault) => {
    emulator.failNext(faultOf(fault, password))
    return shown(await auth.client.getTokenByPassword({ username, password }).catch((err: unknown) => err))
  },
  'getAccessToken() with a refresh token': async (refreshToken, fault) => {
    const expiresAt = Math.floor(Date.now() / 1000) - 60
    const cookie = await signIn(site.app, auth, {}, { refreshToken, expiresAt, accessToken: `access-${refreshToken}` })
    emulator.failNext(faultOf(fault, refreshToken))
    return answerOf(await request(site.app).get('/token').set('Cookie', cookie))
  },
  'POST /mfa/verify with an MFA token': async (token, fault) => {
    emulator.failNext({ status: 403, body: { error: 'mfa_required', error_description: token, mfa_token: token } })
    const asked = await request(site.app).post('/auth/login').send({ username, password: 'correct' })
    const [cookie = ''] = asked.headers['set-cookie'] as unknown as string[]
    emulator.failNext(faultOf(fault, token))
    const verify = request(site.app).post('/auth/mfa/verify').set('Cookie', cookie.split(';')[0]!)
    return answerOf(await verify.send({ otp: '123456' }))
  },
}

describe.each(Object.keys(WAYS))('%s that Auth0 repeats', (way) => {
  it(`is shown nowhere, however it is written (seed ${SEED})`, async () => {
    const property = fc.asyncProperty(secret, echo, async (given, fault) => {
      const isAnswer = fault.where === 'token' && fault.status === 200
      fc.pre(!(isAnswer && way.startsWith('getTokenByPassword')))
      const answer = await WAYS[way]!(given, fault)
      expectHidden({ given }, answer)
    })

    await fc.assert(property, { numRuns: RUNS, seed: SEED })
  })
})
