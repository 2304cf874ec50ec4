import { describe, expect, it } from '@jest/globals'
import express, { type ErrorRequestHandler, type Express } from 'express'
import request from 'supertest'
import { AuthError, type RopgAuth } from '../../lib/index.ts'
import { signIn } from '../../lib/testing/index.ts'
import { ada, startApp } from '../support/app.ts'
import { refusal } from './wire.ts'

const links = { loginUrl: '/continue', recoveryUrl: '/recover', exposeDeniedReason: true }

/** The route and error handler from the README. */
function readmeRoutes(app: Express, auth: RopgAuth): void {
  app.post('/sign-in', express.json(), (req, res, next) => {
    auth.login(req, { username: req.body?.email, password: req.body?.password }).then(() => res.json({}), next)
  })
  app.post('/sign-out', (req, res, next) => {
    auth.logout(req).then(() => res.json({}), next)
  })
  const onAuthError: ErrorRequestHandler = (err, _req, res, next) => {
    if (err instanceof AuthError && !res.headersSent) res.status(err.status).set(err.headers).json(err)
    else next(err)
  }
  app.use(onAuthError)
}

const errorLines = (logged: string[]) => logged.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error')

describe('auth.login', () => {
  it.each([
    ['mfa_required', { mfa: true }, { login_url: '/continue' }],
    ['account_blocked', { blocked: true }, { recovery_url: '/recover' }],
    ['access_denied', { denied: 'not on the guest list' }, { reason: 'not on the guest list' }],
  ] as const)('rejects with %s like the router', async (code, flags, more) => {
    const app = await startApp({
      ...{ store: 'memory', options: links, emulator: { users: [{ ...ada, ...flags }] } },
      after: readmeRoutes,
    })
    const own = await request(app.app).post('/sign-in').send(ada)
    const routed = await app.login()
    expect(own.body).toEqual(refusal(code, more))
    expect([own.status, own.body]).toEqual([routed.status, routed.body])
  })

  it('is never cacheable, even for refused input', async () => {
    const app = await startApp({ store: 'memory', after: readmeRoutes })
    const { headers } = await request(app.app).post('/sign-in').send({}).expect(400)
    expect(headers['cache-control']).toBe('no-store')
  })
})

describe('configuration_error', () => {
  it('is logged if requireScope is used alone', async () => {
    const app = await startApp({
      store: 'memory',
      after: (app, auth) => app.get('/alone', auth.requireScope('read:posts'), (_req, res) => void res.json({})),
    })
    await request(app.app).get('/alone').expect(500)
    expect(errorLines(app.logged)).toEqual([
      expect.objectContaining({
        code: 'configuration_error',
        detail: expect.stringMatching(/^requireScope must come after requireAuth/),
      }),
    ])
  })

  it('is logged once if an event has reported it', async () => {
    const app = await startApp({ store: 'memory', emulator: { defaultConnection: null }, after: readmeRoutes })
    await app.login().expect(500)
    await request(app.app).post('/sign-in').send(ada).expect(500)
    expect(errorLines(app.logged).map(({ message }) => message)).toEqual(['login.failed', 'login.failed'])
  })
})

describe('getAccessToken', () => {
  it('rejects with all members of the response', async () => {
    const app = await startApp({
      ...{ store: 'memory', options: links },
      after: (app, auth) => {
        app.get('/token', auth.requireAuth, (req, res, next) => {
          req.auth.getAccessToken().then((token) => res.json(token), next)
        })
        readmeRoutes(app, auth)
      },
    })
    const agent = await signIn(app.agent(), app.auth, {}, { expiresAt: 1, refreshToken: 'old' })
    app.emulator.failNext({ status: 403, body: { error: 'mfa_required', error_description: 'mfa', mfa_token: 'x' } })
    const { body } = await agent.get('/token').expect(403)
    expect(body).toEqual(refusal('mfa_required', { login_url: '/continue' }))
  })
})
