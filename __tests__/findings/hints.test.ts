import { describe, expect, it } from '@jest/globals'
import type { RopgAuthOptions } from '../../lib/index.ts'
import { ada, startApp, type TestApp } from '../support/app.ts'
import { resolveOptions } from '../../lib/options/resolve-options.ts'

interface Line {
  level: string
  message: string
  event?: string
}

const hintsOf = ({ logged }: TestApp) =>
  logged.map((line) => JSON.parse(line) as Line).filter(({ event }) => event === undefined)

describe('POST /login of a user with a second factor', () => {
  const emulator = { users: [{ ...ada, mfa: true }] }

  it('logs once what to set if the user has no way to enter it', async () => {
    const app = await startApp({ store: 'memory', emulator })
    for (let time = 0; time < 2; time++) await app.login().expect(403)
    expect(hintsOf(app)).toEqual([
      expect.objectContaining({ level: 'warn', message: expect.stringMatching(/mfa.*'api'.*interactive.*loginUrl/) }),
    ])
  })

  it.each([
    ['mfa', { mfa: 'api' as const }],
    ['interactive', { interactive: { baseUrl: 'http://localhost:3000' } }],
    ['loginUrl', { loginUrl: '/sign-in' }],
  ])('logs nothing with the option %s', async (_option, options) => {
    const app = await startApp({ store: 'memory', emulator, options })
    await app.login().expect(403)
    expect(hintsOf(app)).toEqual([])
  })
})

describe('auth.requireScope', () => {
  const start = (scope: string, options: RopgAuthOptions = {}) =>
    startApp({
      store: 'memory',
      emulator: { apis: [{ audience: 'https://api.example.com', scopes: ['write:posts'] }] },
      options: { scope, rateLimit: false, ...options },
      after: (app, auth) => {
        app.get('/posts', auth.requireAuth, auth.requireScope('read:posts'), (_req, res) => void res.json({}))
      },
    })

  it('logs once that logins do not request the scope', async () => {
    const app = await start('openid profile')
    const browser = app.agent()
    await browser.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    for (let time = 0; time < 2; time++) await browser.get('/posts').expect(403)
    expect(hintsOf(app)).toEqual([
      expect.objectContaining({ level: 'warn', message: expect.stringMatching(/read:posts.*scope option/) }),
    ])
  })

  const requested = 'openid profile read:posts'
  const refuse = async (options: RopgAuthOptions) => {
    const details: (string | undefined)[] = []
    const app = await start(requested, {
      ...options,
      onError: (err, _req, res) => {
        details.push(err.detail)
        res.status(err.status).json(err)
      },
    })
    const browser = app.agent()
    await browser.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    for (let time = 0; time < 2; time++) await browser.get('/posts').expect(403)
    return { hints: hintsOf(app), details }
  }
  const detail = expect.stringMatching(/^Auth0 did not grant read:posts: .*APIs > your API > Permissions/)

  it('logs once that the audience is missing if they request it and Auth0 did not grant it', async () => {
    const { hints, details } = await refuse({})
    expect(hints).toEqual([
      expect.objectContaining({ level: 'warn', message: expect.stringMatching(/read:posts.*audience option/) }),
    ])
    expect(details).toEqual([detail, detail])
  })

  it('logs nothing if there is one, because the user may have no such permission', async () => {
    expect(await refuse({ audience: 'https://api.example.com' })).toEqual({ hints: [], details: [detail, detail] })
  })
})

describe('req.auth.getAccessToken', () => {
  it('logs once what to request for another audience without a refresh token', async () => {
    const app = await startApp({
      store: 'memory',
      after: (app, auth) => {
        app.get('/other', auth.requireAuth, async (req, res) => {
          res.json(await req.auth.getAccessToken({ audience: 'https://other.example.com' }))
        })
      },
    })
    const browser = app.agent()
    await browser.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    for (let time = 0; time < 2; time++) await browser.get('/other')
    expect(hintsOf(app)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/another audience.*remember_me.*offline_access/) }),
    ])
  })
})

describe('environment variables of other Auth0 packages', () => {
  const env = { AUTH0_AUDIENCE: 'https://api.example.com', AUTH0_REALM: 'users', AUTH0_SCOPE: 'openid' }
  const required = {
    domain: 'tenant.eu.auth0.com',
    clientId: 'client',
    clientSecret: 'client secret',
    session: { secret: 'a secret that is used in tests only' },
  }

  function warningsOf(options: object): string[] {
    const warnings: string[] = []
    const warn = (_fields: object, message: string) => void warnings.push(message)
    const logger = { info: () => undefined, error: () => undefined, warn }
    resolveOptions({ ...required, ...options, logger }, {}, env)
    return warnings
  }

  it('have no effect and cause a warning', () => {
    expect(warningsOf({})).toEqual([
      'AUTH0_AUDIENCE has no effect: pass the option audience: process.env.AUTH0_AUDIENCE',
      'AUTH0_REALM has no effect: pass the option realm: process.env.AUTH0_REALM',
      'AUTH0_SCOPE has no effect: pass the option scope: process.env.AUTH0_SCOPE',
    ])
  })

  it('cause no warning if the options are set', () => {
    expect(warningsOf({ audience: env.AUTH0_AUDIENCE, realm: env.AUTH0_REALM, scope: env.AUTH0_SCOPE })).toEqual([])
  })
})
