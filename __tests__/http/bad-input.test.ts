import { gzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import express from 'express'
import request, { type Response } from 'supertest'
import type { AuthErrorCode } from '../../lib/errors.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { keysUnder, listen, refusal, sendRaw } from './wire.ts'

/** Part of every invalid value. No response, event, or log line may contain it. */
const CANARY = 'canary-7f3a'
const PASSWORD = `${CANARY} correct horse`

const BOTH_PARSERS: [string, TestAppOptions][] = [
  ['the router reads', {}],
  [
    'the app has read',
    {
      before: (app) => {
        app.use(express.json({ limit: '1mb', strict: false }), express.urlencoded({ extended: true, limit: '1mb' }))
      },
    },
  ],
]

async function expectInvalid(app: TestApp, response: Response, fields: Record<string, string>) {
  await expectRefused(app, response, { status: 400, code: 'invalid_request', more: { fields } })
}

async function expectRefused(
  app: TestApp,
  response: Response,
  { status, code, more = {} }: { status: number; code: AuthErrorCode; more?: object },
) {
  expect(response.status).toBe(status)
  expect(response.body).toEqual(refusal(code, more))
  expect(response.headers['cache-control']).toBe('no-store')
  expect(response.headers['set-cookie']).toBeUndefined()
  expect(response.text).not.toContain(CANARY)
  expect(JSON.stringify([app.events, app.logged])).not.toContain(CANARY)
  expect(app.emulator.requests).toEqual([])
  expect(await keysUnder(app.prefix)).toEqual([])
}

const required = 'is required'
const empty = 'must not be empty'
const noString = 'must be a string'
const noName = 'is required: send email or username'

const JSON_BODIES: [title: string, body: string, fields: Record<string, string>][] = [
  ['no field', '{}', { username: noName, password: required }],
  ['no password', JSON.stringify({ email: CANARY }), { password: required }],
  ['no name', JSON.stringify({ password: PASSWORD }), { username: noName }],
  ['an empty password', JSON.stringify({ email: CANARY, password: '' }), { password: empty }],
  ['an empty email', JSON.stringify({ email: '', password: PASSWORD }), { email: empty }],
  ['a blank email', JSON.stringify({ email: ' \t\n', password: PASSWORD }), { email: empty }],
  ['a blank username', JSON.stringify({ username: '\u00a0 ', password: PASSWORD }), { username: empty }],
  [
    'email and username that differ',
    JSON.stringify({ email: ada.email, username: CANARY, password: PASSWORD }),
    { username: 'must be the same as email if both are sent' },
  ],
  ['a list for the password', JSON.stringify({ email: CANARY, password: [PASSWORD] }), { password: noString }],
  [
    'an object for the password',
    JSON.stringify({ email: CANARY, password: { $ne: PASSWORD } }),
    { password: noString },
  ],
  ['a number for the password', '{"email":"canary-7f3a","password":12345678}', { password: noString }],
  ['null for the password', '{"email":"canary-7f3a","password":null}', { password: required }],
  ['true for the password', '{"email":"canary-7f3a","password":true}', { password: noString }],
  ['a list for the email', JSON.stringify({ email: [CANARY], password: PASSWORD }), { email: noString }],
  ['an object for the email', JSON.stringify({ email: { $gt: CANARY }, password: PASSWORD }), { email: noString }],
  ['a number for the username', JSON.stringify({ username: 7, password: PASSWORD }), { username: noString }],
  ['null for the email', JSON.stringify({ email: null, password: PASSWORD }), { username: noName }],
  [
    'a toString for the email',
    JSON.stringify({ email: { toString: CANARY, length: 3 }, password: PASSWORD }),
    { email: noString },
  ],
  [
    'a NUL in the password',
    JSON.stringify({ email: ada.email, password: `${CANARY}\0` }),
    { password: 'must not contain a NUL character' },
  ],
  [
    'a NUL in the email',
    JSON.stringify({ email: `${CANARY}\0@example.com`, password: PASSWORD }),
    { email: 'must not contain a NUL character' },
  ],
  [
    'half a surrogate pair in the password',
    `{"email":"${ada.email}","password":"${CANARY}\\ud800"}`,
    { password: 'must be valid Unicode' },
  ],
  [
    'half a surrogate pair in the email',
    `{"email":"${CANARY}\\udc00","password":"${PASSWORD}"}`,
    { email: 'must be valid Unicode' },
  ],
  [
    'a password of 1025 characters',
    JSON.stringify({ email: ada.email, password: CANARY.padEnd(1025, 'x') }),
    { password: 'must be at most 1024 characters' },
  ],
  [
    'a password of 10,000 characters',
    JSON.stringify({ email: ada.email, password: CANARY.padEnd(10_000, 'x') }),
    { password: 'must be at most 1024 characters' },
  ],
  [
    'a name of 321 characters',
    JSON.stringify({ email: CANARY.padEnd(321, 'x'), password: PASSWORD }),
    { email: 'must be at most 320 characters' },
  ],
  [
    'nonsense for remember_me',
    JSON.stringify({ email: ada.email, password: PASSWORD, remember_me: CANARY }),
    { remember_me: 'must be true or false' },
  ],
  [
    'a number for remember_me',
    JSON.stringify({ email: ada.email, password: PASSWORD, remember_me: 2 }),
    { remember_me: 'must be true or false' },
  ],
  [
    'an object for remember_me',
    JSON.stringify({ email: ada.email, password: PASSWORD, remember_me: { [CANARY]: 1 } }),
    { remember_me: 'must be true or false' },
  ],
  [
    'the name of a method for remember_me',
    JSON.stringify({ email: ada.email, password: PASSWORD, remember_me: 'constructor' }),
    { remember_me: 'must be true or false' },
  ],
  [
    'a realm that was not allowed',
    JSON.stringify({ email: ada.email, password: PASSWORD, realm: CANARY }),
    { realm: 'is not one of the accepted realms' },
  ],
  [
    'a list for the realm',
    JSON.stringify({ email: ada.email, password: PASSWORD, realm: [CANARY] }),
    { realm: noString },
  ],
  [
    'credentials in the prototype',
    `{"__proto__":{"email":"${CANARY}","password":"${PASSWORD}"}}`,
    { username: noName, password: required },
  ],
  [
    'credentials in the constructor',
    `{"constructor":{"prototype":{"email":"${CANARY}","password":"${PASSWORD}"}}}`,
    { username: noName, password: required },
  ],
  [
    'everything wrong',
    JSON.stringify({ email: [CANARY], password: [CANARY], remember_me: [CANARY], realm: [CANARY] }),
    { email: noString, password: noString, remember_me: 'must be true or false', realm: noString },
  ],
  ['a list', JSON.stringify([CANARY]), { body: 'must be an object' }],
]

describe.each(BOTH_PARSERS)('POST /login with a JSON body that %s', (_parsedBy, settings) => {
  it.each(JSON_BODIES)('answers what is wrong with %s', async (_, body, fields) => {
    const app = await startApp(settings)

    const response = await request(app.app).post('/auth/login').type('json').send(body)

    await expectInvalid(app, response, fields)
  })

  it('does not change the prototype of objects', async () => {
    const app = await startApp(settings)

    await request(app.app)
      .post('/auth/login')
      .type('json')
      .send(`{"__proto__":{"${CANARY}":1},"email":"x"}`)
      .expect(400)

    expect(CANARY in {}).toBe(false)
  })

  it('accepts the same email and username', async () => {
    const app = await startApp(settings)

    const response = await app.login({ email: ada.email, username: ada.email, password: ada.password })

    expect(response.status).toBe(200)
  })

  it('ignores other fields', async () => {
    const app = await startApp(settings)

    const response = await app.login({
      email: ada.email,
      password: ada.password,
      audience: 'https://evil.example.com',
      scope: 'openid admin',
      grant_type: 'client_credentials',
      client_id: 'evil',
      _csrf: CANARY,
    })

    expect(response.status).toBe(200)
    expect(app.emulator.requestsTo('/oauth/token').map(({ params }) => params)).toEqual([
      {
        grant_type: 'password',
        client_id: app.emulator.clientId,
        client_secret: app.emulator.clientSecret,
        username: ada.email,
        scope: 'openid profile email',
      },
    ])
  })

  it('takes a password of 1024 characters and a name of 320', async () => {
    const password = 'ü'.repeat(1024)
    const email = `${'a'.repeat(308)}@example.com`
    const app = await startApp({ ...settings, emulator: { users: [{ email, password }] } })

    const response = await app.login({ email, password })

    expect(response.status).toBe(200)
  })
})

const FORMS: [title: string, body: string, fields: Record<string, string>][] = [
  ['nothing', '', { username: noName, password: required }],
  ['no password', `email=${CANARY}`, { password: required }],
  ['a password twice', `email=${CANARY}&password=${CANARY}&password=b`, { password: noString }],
  ['an email twice', `email=${CANARY}&email=b&password=${CANARY}`, { email: noString }],
  [
    'remember_me twice',
    `email=a&password=${CANARY}&remember_me=on&remember_me=off`,
    { remember_me: 'must be true or false' },
  ],
  ['an encoded NUL', `email=a&password=${CANARY}%00`, { password: 'must not contain a NUL character' }],
  ['the prototype', `__proto__=${CANARY}&constructor=${CANARY}`, { username: noName, password: required }],
]

describe.each(BOTH_PARSERS)('POST /login with a form that %s', (_parsedBy, settings) => {
  it.each(FORMS)('answers what is wrong with %s', async (_, body, fields) => {
    const app = await startApp(settings)

    const response = await request(app.app).post('/auth/login').type('form').send(body)

    await expectInvalid(app, response, fields)
  })

  it('logs in', async () => {
    const app = await startApp(settings)

    const response = await request(app.app)
      .post('/auth/login')
      .type('form')
      .send({ email: ada.email, password: ada.password, remember_me: 'on' })

    expect(response.status).toBe(200)
  })
})

describe('POST /login with a form', () => {
  it('treats brackets as literal characters, not as nested objects', async () => {
    const app = await startApp()

    const response = await request(app.app)
      .post('/auth/login')
      .type('form')
      .send(`email[a]=${CANARY}&password[]=${CANARY}`)

    await expectInvalid(app, response, { username: noName, password: required })
  })

  it('refuses nested objects that the parser of the app made', async () => {
    const app = await startApp({ before: (app) => void app.use(express.urlencoded({ extended: true })) })

    const response = await request(app.app)
      .post('/auth/login')
      .type('form')
      .send(`email[a]=${CANARY}&password[]=${CANARY}`)

    await expectInvalid(app, response, { email: noString, password: noString })
  })

  it('refuses more than 50 fields', async () => {
    const app = await startApp()
    const many = Array.from({ length: 60 }, (_, index) => `f${index}=${CANARY}`).join('&')

    const response = await request(app.app).post('/auth/login').type('form').send(many)

    await expectRefused(app, response, { status: 413, code: 'payload_too_large' })
  })
})

describe('POST /login with a body that is not JSON', () => {
  it.each([
    ['broken', `{"email":"${CANARY}","password":"${CANARY}`],
    ['a string', JSON.stringify(CANARY)],
    ['a number', '12345'],
    ['null', 'null'],
    ['true', 'true'],
    ['two objects', `{"email":"${CANARY}"}{}`],
    ['a comment', `{/* ${CANARY} */}`],
    ['in UTF-16 without saying so', Buffer.from(`{"email":"${CANARY}"}`, 'utf16le')],
  ])('says so: %s', async (_, body) => {
    const app = await startApp()

    const response = await request(app.app)
      .post('/auth/login')
      .type('json')
      .serialize((sent: unknown) => sent as string)
      .send(body)

    await expectInvalid(app, response, { body: 'is not valid JSON' })
  })

  it.each([
    ['"a string"', 'is not valid JSON'],
    ['12345', 'must be an object'],
    ['true', 'must be an object'],
  ])('says so if the app has read %s', async (sent, body) => {
    const app = await startApp({ before: (app) => void app.use(express.json({ strict: false })) })

    const response = await request(app.app).post('/auth/login').type('json').send(sent)

    await expectInvalid(app, response, { body })
  })

  it('names the missing fields if there is no body', async () => {
    const app = await startApp()

    const response = await request(app.app).post('/auth/login')

    await expectInvalid(app, response, { username: noName, password: required })
  })

  it('names the missing fields in an empty JSON body', async () => {
    const app = await startApp()

    const response = await request(app.app).post('/auth/login').type('json').set('Content-Length', '0')

    await expectInvalid(app, response, { username: noName, password: required })
  })
})

describe('POST /login with another content type', () => {
  const body = `{"email":"${CANARY}","password":"${CANARY}"}`

  it.each([
    'text/plain',
    'application/xml',
    'application/octet-stream',
    'application/x-json',
    'nonsense',
    'application/jsonp',
  ])('refuses %s', async (type) => {
    const app = await startApp()

    const response = await request(app.app).post('/auth/login').set('Content-Type', type).send(body)

    await expectRefused(app, response, { status: 415, code: 'unsupported_media_type' })
  })

  it('refuses a body without a type', async () => {
    const app = await startApp()
    const { port } = await listen(app.app)

    const answer = await sendRaw(
      port,
      `POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ).ended

    expect(answer).toMatch(/^HTTP\/1\.1 415 [^]*"error":"unsupported_media_type"/)
    expect(app.emulator.requests).toEqual([])
  })

  it('refuses multipart', async () => {
    const app = await startApp()

    const response = await request(app.app).post('/auth/login').field('email', CANARY).field('password', CANARY)

    await expectRefused(app, response, { status: 415, code: 'unsupported_media_type' })
  })

  it.each(['gzip', 'deflate', 'br', 'x-unknown'])('refuses a body encoded with %s', async (encoding) => {
    const app = await startApp()

    const response = await request(app.app)
      .post('/auth/login')
      .type('json')
      .set('Content-Encoding', encoding)
      .serialize((sent: unknown) => sent as string)
      .send(gzipSync(body))

    await expectRefused(app, response, { status: 415, code: 'unsupported_media_type' })
  })

  it.each(['application/json; charset=iso-8859-1', 'application/json; charset=nonsense'])(
    'refuses %s',
    async (type) => {
      const app = await startApp()

      const response = await request(app.app).post('/auth/login').set('Content-Type', type).send(body)

      await expectRefused(app, response, { status: 415, code: 'unsupported_media_type' })
    },
  )

  it('accepts application/json with a charset', async () => {
    const app = await startApp()

    const response = await request(app.app)
      .post('/auth/login')
      .set('Content-Type', 'Application/JSON; charset=UTF-8')
      .send(JSON.stringify({ email: ada.email, password: ada.password }))

    expect(response.status).toBe(200)
  })
})

describe('POST /login with more than 10 KB', () => {
  const large = (length: number) => {
    const around = JSON.stringify({ email: ada.email, password: ada.password, note: '' }).length
    return JSON.stringify({ email: ada.email, password: ada.password, note: 'x'.repeat(length - around) })
  }

  it.each(BOTH_PARSERS)('refuses 11 KB that %s', async (_, settings) => {
    const app = await startApp(settings)

    const response = await request(app.app)
      .post('/auth/login')
      .type('json')
      .send(large(11 * 1024))

    await expectRefused(app, response, { status: 413, code: 'payload_too_large' })
  })

  it('refuses one byte too many, and takes one less', async () => {
    const app = await startApp()

    const over = await request(app.app)
      .post('/auth/login')
      .type('json')
      .send(large(10 * 1024 + 1))
    await expectRefused(app, over, { status: 413, code: 'payload_too_large' })
    const exact = await request(app.app)
      .post('/auth/login')
      .type('json')
      .send(large(10 * 1024))

    expect(exact.status).toBe(200)
  })

  it('refuses a large form', async () => {
    const app = await startApp()

    const response = await request(app.app)
      .post('/auth/login')
      .type('form')
      .send(`email=a&password=${'x'.repeat(11_000)}`)

    await expectRefused(app, response, { status: 413, code: 'payload_too_large' })
  })

  it.each(['application/json', 'application/x-www-form-urlencoded'])(
    'refuses %s in chunks without a length',
    async (type) => {
      const app = await startApp()
      const { port } = await listen(app.app)
      const body = type.endsWith('json') ? large(11 * 1024) : `email=a&password=b&note=${'x'.repeat(11 * 1024)}`

      const answer = await sendRaw(
        port,
        `POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n` +
          `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      ).ended

      expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*"error":"payload_too_large"/)
      expect(answer).not.toMatch(/set-cookie/i)
      expect(app.emulator.requests).toEqual([])
    },
  )

  it('accepts a small body in chunks', async () => {
    const app = await startApp()
    const { port } = await listen(app.app)
    const body = JSON.stringify({ email: ada.email, password: ada.password })

    const answer = await sendRaw(
      port,
      'POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n' +
        `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ).ended

    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*"success":true/)
  })
})

describe('POST /login: a body that is cut short', () => {
  it('is not treated as a login', async () => {
    const app = await startApp()
    const { port } = await listen(app.app)
    const body = JSON.stringify({ email: ada.email, password: ada.password })

    const answer = await sendRaw(
      port,
      'POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n' +
        `Transfer-Encoding: chunked\r\n\r\nzz\r\n${body}\r\n`,
    ).ended

    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(app.emulator.requests).toEqual([])
  })
})
