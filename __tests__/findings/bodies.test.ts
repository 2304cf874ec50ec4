import { once } from 'node:events'
import { describe, expect, it } from '@jest/globals'
import express, { type Express, type RequestHandler } from 'express'
import request from 'supertest'
import { listen, refusal, sendRaw } from '../http/wire.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'

const credentials = { email: ada.email, password: ada.password }
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'
const asForm = (fields: object) => new URLSearchParams(Object.entries(fields)).toString()

/** Sends a raw body with any content type. */
const post = ({ app }: TestApp, type: string, body: string) =>
  request(app)
    .post('/auth/login')
    .set('Content-Type', type)
    .serialize((sent: unknown) => sent as string)
    .send(body)

/** Like serverless adapters: the stream has ended and the body exists, but nothing marks it as parsed. */
const adapter =
  (shape: (body: Buffer) => unknown): RequestHandler =>
  (req, _res, next) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    void once(req, 'end').then(() => {
      req.body = shape(Buffer.concat(chunks))
      next()
    })
  }

const RAW: [title: string, middleware: RequestHandler][] = [
  ['express.raw', express.raw({ type: '*/*', limit: '1mb' })],
  ['express.text', express.text({ type: '*/*', limit: '1mb' })],
  ['an adapter that passes a Buffer', adapter((body) => body)],
  ['an adapter that passes a string', adapter((body) => body.toString())],
  ['an adapter that passes the parsed body', adapter((body) => parsed(body.toString()))],
]

function parsed(text: string): unknown {
  return text.startsWith('{') ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text))
}

const behind = (middleware: RequestHandler): TestAppOptions => ({
  store: 'memory',
  before: (app: Express) => void app.use(middleware),
})

describe.each(RAW)('findings 30: a body already read by %s', (title, middleware) => {
  it.each([
    [JSON_TYPE, JSON.stringify(credentials)],
    ['application/json; charset=utf-8', JSON.stringify({ ...credentials, note: '\u00fc' })],
    [FORM_TYPE, asForm(credentials)],
  ])('logs in with %s', async (type, body) => {
    const app = await startApp(behind(middleware))
    const { status, body: answer } = await post(app, type, body)
    expect([status, answer.success]).toEqual([200, true])
  })

  it.each([
    [JSON_TYPE, JSON.stringify({ ...credentials, note: 'x'.repeat(10_240) })],
    [FORM_TYPE, asForm({ ...credentials, note: 'x'.repeat(10_240) })],
  ])('refuses more than 10 KB of %s', async (type, body) => {
    const app = await startApp(behind(middleware))
    await post(app, type, body).expect(413, refusal('payload_too_large'))
    expect(app.emulator.requests).toEqual([])
  })

  const isRaw = !title.includes('parsed')
  const broken: [string, string][] = isRaw
    ? [
        ['broken JSON', '{"email":'],
        ['no JSON', 'hello'],
      ]
    : []
  it.each([...broken, ['a list', '[1,2]'], ['null', 'null'], ['a number', '7']] as const)(
    'is invalid_request with %s',
    async (_title, body) => {
      const app = await startApp(behind(middleware))
      const answer = await post(app, JSON_TYPE, body)
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
      expect(answer.headers['cache-control']).toBe('no-store')
      expect(app.logged.join()).not.toContain('internal_error')
    },
  )

  it('is refused with another content type', async () => {
    const app = await startApp(behind(middleware))
    await post(app, 'text/plain', JSON.stringify(credentials)).expect(415, refusal('unsupported_media_type'))
  })
})

const username = 'ada'
const users = [{ ...ada, username }]
const withRealms: TestAppOptions = {
  store: 'memory',
  emulator: { users },
  options: { realm: 'Username-Password-Authentication', allowedRealms: ['customers'] },
}

const sentTo = ({ emulator }: TestApp) => emulator.requestsTo('/oauth/token').map(({ params }) => params)

describe('findings 31: a field that is null or empty', () => {
  it.each([
    ['remember_me: null', { ...credentials, remember_me: null }],
    ['rememberMe: null', { ...credentials, rememberMe: null }],
    ['both of them null', { ...credentials, rememberMe: null, remember_me: null }],
    ['realm: null', { ...credentials, realm: null }],
    ['an empty realm', { ...credentials, realm: '' }],
    ['an empty username beside email', { ...credentials, username: '' }],
    ['username: null beside email', { ...credentials, username: null }],
    ['an empty email beside username', { username, password: ada.password, email: '' }],
    ['email: null beside username', { username, password: ada.password, email: null }],
    ['any other field', { ...credentials, captcha: null, toString: null }],
  ])('%s changes nothing', async (_title, body) => {
    const app = await startApp(withRealms)
    await app.login(body).expect(200)
    expect(sentTo(app)).toEqual([
      expect.objectContaining({ realm: 'Username-Password-Authentication', scope: 'openid profile email' }),
    ])
  })

  it.each([
    ['remember_me: null beside rememberMe', { rememberMe: true, remember_me: null }],
    ['rememberMe: null beside remember_me', { rememberMe: null, remember_me: true }],
  ])('%s uses the other field', async (_title, more) => {
    const app = await startApp(withRealms)
    await app.login({ ...credentials, ...more }).expect(200)
    expect(sentTo(app)).toEqual([expect.objectContaining({ scope: 'openid profile email offline_access' })])
  })

  it.each([
    [
      'no name but null',
      { email: null, username: null, password: 'x' },
      { username: 'is required: send email or username' },
    ],
    ['no name but empty ones', { email: '', username: '', password: 'x' }, { email: 'must not be empty' }],
    ['password: null', { ...credentials, password: null }, { password: 'is required' }],
    ['an empty password', { ...credentials, password: '' }, { password: 'must not be empty' }],
  ])('%s is missing', async (_title, body, fields) => {
    const app = await startApp(withRealms)
    const answer = await app.login(body).expect(400)
    expect(answer.body).toMatchObject(refusal('invalid_request', { fields }))
    expect(sentTo(app)).toEqual([])
  })

  it.each([
    ['null', 'null'],
    ['a list', '[]'],
    ['a list of logins', JSON.stringify([credentials])],
    ['a string', '"x"'],
    ['nothing', ''],
  ])('%s for the whole body is invalid_request', async (_title, body) => {
    const app = await startApp({ store: 'memory' })
    const answer = await post(app, JSON_TYPE, body).expect(400)
    expect(answer.body).toEqual(refusal('invalid_request', { fields: expect.any(Object) }))
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('counts as missing in auth.login too', async () => {
    const app = await startApp({
      ...withRealms,
      before: (app, auth) => {
        app.post('/own', express.json(), (req, res, next) => {
          auth.login(req, req.body).then(({ sub }) => res.json({ sub }), next)
        })
      },
    })
    const body = { email: null, username, password: ada.password, realm: null, rememberMe: true, remember_me: null }
    await request(app.app).post('/own').send(body).expect(200)
    expect(sentTo(app)).toEqual([expect.objectContaining({ scope: 'openid profile email offline_access' })])
  })
})

describe('findings 32: rememberMe in a body', () => {
  it.each([true, 'true', 'on', '1'])('requests a refresh token like remember_me: %j', async (rememberMe) => {
    const app = await startApp({ store: 'memory' })
    const { headers } = await app.login({ ...credentials, rememberMe }).expect(200)
    expect(sentTo(app)).toEqual([expect.objectContaining({ scope: 'openid profile email offline_access' })])
    expect(headers['set-cookie']).toEqual([expect.stringContaining('Expires=')])
  })

  it('is accepted in a form', async () => {
    const app = await startApp({ store: 'memory' })
    await post(app, FORM_TYPE, asForm({ ...credentials, rememberMe: 'on' })).expect(200)
    expect(sentTo(app)).toEqual([expect.objectContaining({ scope: 'openid profile email offline_access' })])
  })

  it.each([false, 'false', 'off', '0', ''])('does not request one with %j', async (rememberMe) => {
    const app = await startApp({ store: 'memory' })
    const { headers } = await app.login({ ...credentials, rememberMe }).expect(200)
    expect(sentTo(app)).toEqual([expect.objectContaining({ scope: 'openid profile email' })])
    expect(headers['set-cookie']).toEqual([expect.not.stringContaining('Expires=')])
  })

  it.each([2, 'yes please', [true], {}])('is invalid_request with %j', async (rememberMe) => {
    const app = await startApp({ store: 'memory' })
    const { body } = await app.login({ ...credentials, rememberMe }).expect(400)
    expect(body).toEqual(refusal('invalid_request', { fields: { remember_me: 'must be true or false' } }))
  })
})

describe('findings 30 to 32: a duplicate header', () => {
  const twice = async (name: string, values: [string, string]) => {
    const app = await startApp({ store: 'memory' })
    const { port } = await listen(app.app)
    const body = JSON.stringify(credentials)
    const usual = { Host: 'x', Connection: 'close', 'Content-Type': JSON_TYPE, 'Content-Length': String(body.length) }
    const headers = [
      ...Object.entries(usual).filter(([usualName]) => usualName !== name),
      ...values.map((value) => [name, value]),
    ]
    const lines = headers.map(([field, value]) => `${String(field)}: ${String(value)}\r\n`).join('')
    const answer = await sendRaw(port, `POST /auth/login HTTP/1.1\r\n${lines}\r\n${body}`).ended
    return { app, answer }
  }

  it.each<[name: string, values: [string, string], answer: RegExp]>([
    ['Content-Type', [JSON_TYPE, 'text/plain'], / 200 .*"success":true/s],
    ['Content-Type', ['text/plain', JSON_TYPE], / 415 .*"error":"unsupported_media_type"/s],
    ['Origin', ['https://a.example.com', 'https://b.example.com'], / 403 .*"error":"cross_site_request"/s],
    ['Sec-Fetch-Site', ['same-origin', 'cross-site'], / 403 .*"error":"cross_site_request"/s],
    ['X-Forwarded-For', ['203.0.113.1', '203.0.113.2'], / 200 .*"success":true/s],
    ['X-Forwarded-Proto', ['https', 'http'], / 200 .*"success":true/s],
    ['X-Request-Id', ['a', 'b'], / 200 .*"success":true/s],
    ['Cookie', ['auth=a', 'auth=b'], / 200 .*"success":true/s],
    ['User-Agent', ['a', 'b'], / 200 .*"success":true/s],
    ['Accept', ['text/html', '*/*'], / 200 .*"success":true/s],
  ])('%s %j never causes an internal_error', async (name, values, expected) => {
    const { app, answer } = await twice(name, values)
    expect(answer).toMatch(expected)
    expect(app.logged.join()).not.toContain('internal_error')
  })

  it('never reaches the app if it is Content-Length', async () => {
    const { app, answer } = await twice('Content-Length', ['5', '50'])
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(app.emulator.requests).toEqual([])
  })
})
