import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { AuthError } from '../../lib/index.ts'
import { type Answer, email, eventsNamed, Jar, logInTo, startMfa, waiting, type MfaApp } from './mfa-browser.ts'
import { keysUnder, openRedis } from './wire.ts'

const TOKEN = '/oauth/token'
const mfaToken = 'Fe26.2*canary-mfa-token*0123456789'
const oobCode = 'Fe26.2*canary-oob-code*9876543210'

let printed: string[] = []

beforeEach(() => {
  printed = []
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    jest.spyOn(console, method).mockImplementation((...args: unknown[]) => void printed.push(inspect(args)))
  }
})

afterEach(() => {
  jest.restoreAllMocks()
})

interface Watched extends MfaApp {
  errors: unknown[]
  /** Bodies, headers, and cookies of all responses. */
  answers: Answer[]
}

/** An app that collects every error, and a browser that collects all responses. */
async function startWatched(settings: Parameters<typeof startMfa>[0] = {}): Promise<Watched> {
  const errors: unknown[] = []
  const answers: Answer[] = []
  const app = await startMfa({
    ...settings,
    options: {
      onError: (err, _req, res) => {
        errors.push(err)
        res.status(err.status).json(err)
      },
      ...settings.options,
    },
  })
  const watch = (answer: Promise<Answer>) =>
    answer.then((done) => {
      answers.push(done)
      return done
    })
  class WatchedJar extends Jar {
    override get(path: string) {
      return watch(super.get(path))
    }
    override post(path: string, body?: object) {
      return watch(super.post(path, body))
    }
  }
  return { ...app, errors, answers, browser: new WatchedJar(app.url) }
}

/** Everything that a program prints of a value. */
function shown(value: unknown): string {
  const { stack, cause, message, detail } = Object(value) as Partial<AuthError>
  const details = { depth: 10, showHidden: true, getters: false } as const
  const parts = [inspect(value, details), JSON.stringify(value), stack, message, detail, inspect(cause, details)]
  return parts.join('\n')
}

async function redisDump({ prefix }: MfaApp): Promise<string> {
  const client = openRedis()
  const read = async (key: string) => {
    const type = await client.type(key)
    if (type === 'hash') return [key, Object.values(await client.hgetall(key))]
    return type === 'string' ? [key, await client.get(key)] : [key, await client.zrange(key, 0, -1).catch(() => [])]
  }
  return JSON.stringify(await Promise.all((await keysUnder(prefix)).map(read)))
}

type Secrets = Record<string, string>

function foundIn(text: string, secrets: Secrets): string[] {
  const forms = (secret: string) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('base64url'),
  ]
  return Object.keys(secrets).filter((name) => forms(secrets[name]!).some((form) => text.includes(form)))
}

/** Standalone digits, because a six-digit code may be part of a longer number by chance. */
function digitsIn(text: string, codes: string[]): string[] {
  return codes.filter((code) => new RegExp(`(?<![0-9A-Za-z.])${code}(?![0-9A-Za-z])`).test(text))
}

interface Known {
  secrets?: Secrets
  codes?: string[]
  /** Allowed in bodies only. */
  shownOnce?: Secrets
}

async function expectNothingLeaked(app: Watched, { secrets = {}, codes = [], shownOnce = {} }: Known) {
  const told: Record<string, string> = {
    events: app.events.map(shown).join('\n'),
    logged: app.logged.join('\n'),
    printed: printed.join('\n'),
    errors: app.errors.map(shown).join('\n'),
    headers: app.answers.map(({ headers, cookies }) => JSON.stringify([[...headers], cookies])).join('\n'),
    redis: await redisDump(app),
    urls: app.emulator.requests.map(({ path, headers }) => path + String(headers.referer)).join('\n'),
  }
  const all = { ...secrets, ...shownOnce }
  const leaks = Object.entries(told).map(([place, text]) => [place, foundIn(text, all), digitsIn(text, codes)])
  expect(leaks).toEqual(Object.keys(told).map((place) => [place, [], []]))
  const bodies = app.answers.map(({ body }) => JSON.stringify(body)).join('\n')
  expect([foundIn(bodies, secrets), digitsIn(bodies, codes)]).toEqual([[], []])
}

const required = (app: MfaApp) => {
  const body = { error: 'mfa_required', error_description: `Use ${mfaToken}`, mfa_token: mfaToken }
  app.emulator.failNext({ path: TOKEN, status: 403, body })
}

describe('a login with a second factor', () => {
  it('shows mfa_token and oob_code nowhere, even where Auth0 echoes them', async () => {
    const app = await startWatched()
    required(app)
    await logInTo(app.browser)
    const oob = { challenge_type: 'oob', oob_code: oobCode, binding_method: 'prompt' }
    app.emulator.failNext({ path: '/mfa/challenge', status: 200, body: oob })
    expect((await app.browser.challenge({ type: 'sms' })).status).toBe(200)
    const wrong = '918273'
    for (const error of ['invalid_grant', 'invalid_request', 'server_error', wrong]) {
      const error_description = `code ${wrong} of ${oobCode} for ${mfaToken}`
      app.emulator.failNext({ path: TOKEN, status: 401, body: { error, error_description } })
      await app.browser.verify({ binding_code: wrong })
    }
    await expectNothingLeaked(app, { secrets: { mfaToken, oobCode }, codes: [wrong] })
  })

  it.each(['authenticators', 'challenge', 'associate'])(
    'shows an mfa_token that /mfa/%s echoes nowhere',
    async (path) => {
      const app = await startWatched()
      required(app)
      await logInTo(app.browser)
      const fault = {
        path: `/mfa/${path}`,
        status: 400,
        body: { error: 'invalid_request', error_description: mfaToken },
      }
      app.emulator.failNext(fault)
      if (path === 'authenticators') await app.browser.get('/auth/mfa/authenticators')
      if (path === 'challenge') await app.browser.challenge({ type: 'otp' })
      if (path === 'associate') await app.browser.enroll({ type: 'otp' })
      expect(app.answers.at(-1)!.status).toBe(400)
      await expectNothingLeaked(app, { secrets: { mfaToken } })
    },
  )

  it('shows no one-time password, right or wrong', async () => {
    const app = await startWatched()
    await logInTo(app.browser)
    const [wrong, right] = [app.wrong(), app.code()]
    await app.browser.verify({ otp: wrong })
    await app.browser.verify({ otp: right })
    await app.browser.verify({ otp: right })
    await expectNothingLeaked(app, { codes: [wrong, right] })
  })

  it('shows the next recovery code in the answer, and the used one nowhere', async () => {
    const app = await startWatched()
    await logInTo(app.browser)
    const used = app.emulator.mfa.recoveryCode(email)
    const wrong = used.split('').reverse().join('')
    await app.browser.verify({ recovery_code: wrong })
    const { body } = await app.browser.verify({ recovery_code: used })
    const next: unknown = body.recovery_code
    await app.browser.get('/me')
    await expectNothingLeaked(app, { secrets: { used, wrong }, shownOnce: { next: String(next) } })
  })

  it('shows secret and recovery codes of an enrollment in its answer, and nowhere else', async () => {
    const app = await startWatched({ factors: [] })
    await logInTo(app.browser)
    const { body } = await app.browser.enroll({ type: 'otp' })
    const code = app.emulator.mfa.enrollCode(body.secret)
    await app.browser.get('/auth/mfa/authenticators')
    await expectNothingLeaked(app, { shownOnce: { secret: body.secret, recovery: body.recovery_codes[0] } })
    await app.browser.verify({ otp: code })
    await expectNothingLeaked(app, {
      shownOnce: { secret: body.secret, recovery: body.recovery_codes[0] },
      codes: [code],
    })
  })

  it('stores pending logins sealed in Redis', async () => {
    const app = await startWatched()
    required(app)
    await logInTo(app.browser)
    const dump = await redisDump(app)
    expect(dump).toContain(':m:')
    expect(foundIn(dump, { mfaToken, email, scope: 'openid profile' })).toEqual([])
  })

  it('shows nothing in the error that auth.login rejects with', async () => {
    const errors: AuthError[] = []
    const app = await startMfa({
      after: (router, auth) => {
        router.get('/own', (req, res) => {
          auth.login(req, { email, password: 'correct horse battery staple' }).catch((err: unknown) => {
            errors.push(err as AuthError)
            res.json(err)
          })
        })
      },
    })
    required(app)
    const { body } = await app.browser.get('/own')
    expect(errors[0]).toMatchObject({ code: 'mfa_required', mfaToken })
    expect(foundIn(JSON.stringify(body) + shown(errors[0]), { mfaToken })).toEqual([])
  })
})

describe('the events of a login with a second factor', () => {
  it('are mfa.required, mfa.failed, mfa.succeeded and login.succeeded', async () => {
    const app = await waiting()
    await app.browser.verify({ otp: app.wrong() })
    await app.browser.verify({ otp: app.code() })
    const { sub, sessionId } = (await app.browser.get('/me')).body
    const common = {
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      ip: expect.any(String),
      userName: email,
      durationMs: expect.any(Number),
    }
    expect(app.events).toEqual([
      expect.objectContaining({ name: 'mfa.required', code: 'mfa_required', ...common }),
      expect.objectContaining({ name: 'mfa.failed', code: 'invalid_mfa_code', ...common }),
      expect.objectContaining({ name: 'mfa.succeeded', sub, sessionId, ...common }),
      expect.objectContaining({ name: 'login.succeeded', sub, sessionId, ...common }),
    ])
    expect(eventsNamed(app, 'mfa.failed')[0]!.auth0).toEqual({
      status: 401,
      error: 'invalid_grant',
      description: 'Invalid otp_code.',
    })
  })

  it('have the username according to the option', async () => {
    const app = await waiting({ options: { logUserName: 'hashed' } })
    await app.browser.verify({ otp: app.wrong() })
    await app.browser.verify({ otp: app.code() })
    expect(app.events.map(({ userName }) => userName)).not.toContain(email)
    expect(new Set(app.events.map(({ userName }) => userName)).size).toBe(1)
    expect(app.logged.join('\n')).not.toContain(email)
  })

  it('do not report a pending push', async () => {
    const app = await waiting({ factors: ['push'] })
    await app.browser.challenge({ type: 'push' })
    await app.browser.verify()
    expect(app.events.map(({ name }) => name)).toEqual(['mfa.required'])
  })
})
