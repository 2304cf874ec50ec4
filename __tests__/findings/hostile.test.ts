import { describe, expect, it } from '@jest/globals'
import type { AddressInfo } from 'node:net'
import express from 'express'
import request from 'supertest'
import { AuthError, createRopgAuth } from '../../lib/index.ts'
import { startAuth0Emulator } from '../../lib/testing/index.ts'
import { refusal } from '../http/wire.ts'
import { ada, secret, startApp } from '../support/app.ts'

const credentials = { email: ada.email, password: ada.password }

function circular(): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  body.self = body
  return body
}

describe('an AuthError of onLogin that cannot be sent', () => {
  it.each<[string, object]>([
    ['a bigint in its body', { body: { id: 10n } }],
    ['a circular body', { body: circular() }],
    ['a header that HTTP does not allow', { headers: { 'X-Reason': 'Za\u017c\u00f3\u0142\u0107' } }],
  ])('%s: is answered 500 internal_error, and the next login works', async (_title, about) => {
    let isRefused = true
    const app = await startApp({
      store: 'memory',
      options: {
        onLogin: () => {
          if (isRefused) throw new AuthError('access_denied', about)
        },
      },
    })
    await app.login().expect(500, refusal('internal_error'))
    isRefused = false
    await app.login().expect(200)
  })
})

describe('login_url in an error response', () => {
  const interactive = { baseUrl: 'http://localhost:3000' }
  const users = [{ ...ada, interactionRequired: true, mfaOnRefresh: true }]

  it('never contains the host of a mount path with a pattern', async () => {
    const emulator = await startAuth0Emulator({ users })
    const { domain, clientId, clientSecret } = emulator
    const auth = createRopgAuth({ domain, clientId, clientSecret, interactive, session: { secret }, logger: false })
    const app = express()
    app.use(/^(.*)\/auth/, auth.router)
    const server = app.listen(0)
    const { port } = server.address() as AddressInfo
    const send = (path: string) =>
      fetch(`http://127.0.0.1:${String(port)}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(credentials),
      })
    try {
      const [theirs, ours] = [await send('//evil.example/auth/login'), await send('/x/auth/login')]
      expect(JSON.stringify(await theirs.json())).not.toContain('evil.example')
      expect(((await ours.json()) as { login_url?: string }).login_url).toMatch(/^\/x\/auth\/login/)
    } finally {
      server.closeAllConnections()
      server.close()
      await auth.close()
      await emulator.close()
    }
  })

  it('does not repeat a username that may be the password', async () => {
    const emulator = { users: [{ ...ada, interactionRequired: true }] }
    const app = await startApp({ store: 'memory', emulator, options: { interactive } })
    const { body } = await app.login(credentials).expect(403)
    expect(body.login_url).toContain('login_hint')
    const mistyped = await app.login({ username: ada.password, password: ada.password })
    expect(JSON.stringify(mistyped.body)).not.toContain(encodeURIComponent(ada.password).slice(0, 8))
  })
})

describe('auth.session', () => {
  it('leaves the Cookie header unchanged for the app if two cookies of its name are invalid', async () => {
    const app = await startApp({
      store: 'memory',
      before: (web, auth) => {
        web.use(auth.session)
        web.get('/cookies', (req, res) => res.json({ cookie: req.headers.cookie }))
      },
    })
    const cookie = 'auth=x; auth=y; lang=de'
    await request(app.app).get('/cookies').set('Cookie', cookie).expect(200, { cookie })
  })
})

describe('POST /mfa/verify', () => {
  it('does not count attempts that never reach Auth0', async () => {
    const app = await startApp({
      store: 'memory',
      emulator: { users: [{ ...ada, mfa: true }] },
      options: { mfa: 'api', rateLimit: { mfa: { limit: 3, windowMs: 60_000 } } },
    })
    const browser = app.agent()
    await browser.post('/auth/login').send(credentials).expect(403)
    for (let time = 0; time < 4; time++) await browser.post('/auth/mfa/verify').send({}).expect(400)
    const otp = app.emulator.mfa.code(ada.email)
    await browser.post('/auth/mfa/verify').send({ otp }).expect(200)
  })
})

describe('GET /login without the option interactive', () => {
  it('is left to the app, even over plain HTTP if HTTPS is required', async () => {
    const emulator = await startAuth0Emulator({ users: [ada] })
    const { domain, clientId, clientSecret } = emulator
    const auth = createRopgAuth({
      domain,
      clientId,
      clientSecret,
      requireHttps: true,
      session: { secret },
      logger: false,
    })
    const app = express()
    app.use(auth.router)
    app.get('/login', (_req, res) => res.send('a form'))
    const { text, headers } = await request(app).get('/login').expect(200)
    expect([text, headers['cache-control']]).toEqual(['a form', undefined])
    await auth.close()
    await emulator.close()
  })
})
