import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import express, { type Express, type Response } from 'express'
import request from 'supertest'
import { ada, startApp, type TestApp } from '../support/app.ts'
import { listen } from './wire.ts'

const right = { email: ada.email, password: ada.password }
const browser = { 'Sec-Fetch-Site': 'same-origin', 'User-Agent': 'a browser' }
const grants = (app: TestApp) => app.emulator.requestsTo('/oauth/token')

/** Resolves when the routes have started this many logins. */
function countLogins(wanted: number) {
  let arrived = 0
  let resolve: () => void = () => undefined
  const all = new Promise<void>((done) => (resolve = done))
  const before = (app: Express) => {
    app.set('trust proxy', 1)
    // With a parsed body, the route takes up a login in the same turn.
    app.use('/auth/login', express.json(), (_req, _res, next) => {
      next()
      if (++arrived === wanted) setImmediate(resolve)
    })
  }
  return { all, before }
}

async function twice(first: object, second: object, headers: object[] = [browser, browser]) {
  const { all, before } = countLogins(2)
  const app = await startApp({ before })
  const held = app.emulator.hold({ grantType: 'password' })
  const send = (body: object, at: number) =>
    app
      .login(body)
      .set(headers[at] as Record<string, string>)
      .then((answer) => answer)
  const answers = [send(first, 0)]
  await held.arrived
  answers.push(send(second, 1))
  await all
  held.release()
  return { app, answers: await Promise.all(answers) }
}

describe('a login form that is sent twice', () => {
  it('makes one grant, and both responses have the cookie of the same session', async () => {
    const { app, answers } = await twice(right, right)
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(grants(app)).toHaveLength(1)
    expect(answers[0]?.get('Set-Cookie')).toEqual(answers[1]?.get('Set-Cookie'))
    const cookie = String(answers[1]!.get('Set-Cookie')?.[0]).split(';')[0]
    await request(app.app).get('/me').set('Cookie', cookie!).expect(200)
  })

  it('is two logins over HTTP and HTTPS, and only the cookie of the latter is Secure', async () => {
    const { app, answers } = await twice(right, right, [browser, { ...browser, 'X-Forwarded-Proto': 'https' }])
    expect(grants(app)).toHaveLength(2)
    const cookies = answers.map((answer) => String(answer.get('Set-Cookie')?.[0]))
    expect(cookies.map((cookie) => cookie.includes('; Secure'))).toEqual([false, true])
  })

  it('counts once as a failed attempt, and both get the refusal', async () => {
    const { app, answers } = await twice({ ...right, password: 'wrong' }, { ...right, password: 'wrong' })
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual([
      [401, 'invalid_credentials'],
      [401, 'invalid_credentials'],
    ])
    expect(grants(app)).toHaveLength(1)
    expect(app.events.filter(({ name }) => name === 'login.failed')).toHaveLength(1)
  })

  it('is a new login once the first has been answered', async () => {
    const app = await startApp()
    await app.login(right).set(browser).expect(200)
    await app.login(right).set(browser).expect(200)
    expect(grants(app)).toHaveLength(2)
  })

  it.each<[string, object, object[]]>([
    ['another password', { ...right, password: 'wrong' }, [browser, browser]],
    ['another account', { ...right, email: 'eve@example.com' }, [browser, browser]],
    ['remember_me', { ...right, remember_me: true }, [browser, browser]],
    ['another browser', right, [browser, { ...browser, 'User-Agent': 'another' }]],
    ['another cookie', right, [browser, { ...browser, Cookie: 'a=b' }]],
    ['a client that is no browser', right, [{}, {}]],
  ])('is two logins with %s', async (_title, second, headers) => {
    const { app } = await twice(right, second, headers)
    expect(grants(app)).toHaveLength(2)
  })

  it('continues for the second request if a timeout of the app has answered the first', async () => {
    const { all, before } = countLogins(2)
    const responses: Response[] = []
    const app = await startApp({
      before: (app) => {
        app.use('/auth/login', (_req, res, next) => {
          responses.push(res)
          next()
        })
        before(app)
      },
    })
    const held = app.emulator.hold({ grantType: 'password' })
    const send = () =>
      app
        .login(right)
        .set(browser)
        .then((answer) => answer)
    const first = send()
    await held.arrived
    const second = send()
    await all
    responses[0]!.set('X-App', 'yes').status(504).json({})
    held.release()
    expect([await first, await second].map(({ status, headers }) => [status, headers['set-cookie']?.length])).toEqual([
      [504, undefined],
      [200, 1],
    ])
    expect(app.logged.join()).not.toContain('internal_error')
  })

  it('continues for the second request if the browser aborts the first', async () => {
    const { all, before } = countLogins(2)
    const sockets: Socket[] = []
    const app = await startApp({
      before: (app) => {
        app.use('/auth/login', (req, _res, next) => {
          sockets.push(req.socket)
          next()
        })
        before(app)
      },
    })
    const { port } = await listen(app.app)
    const held = app.emulator.hold({ grantType: 'password' })
    const first = post(port)
    await held.arrived
    const second = post(port)
    await all
    const closed = once(sockets[0]!, 'close').catch(() => undefined)
    first.socket.resetAndDestroy()
    await closed
    held.release()
    expect(await second.status).toBe('HTTP/1.1 200 OK')
    second.socket.destroy()
    expect(grants(app)).toHaveLength(1)
  })
})

/** Without a client that would keep the connection alive. */
function post(port: number) {
  const socket = connect(port, '127.0.0.1')
  const body = JSON.stringify(right)
  const head = [
    'POST /auth/login HTTP/1.1',
    'Host: 127.0.0.1',
    'Sec-Fetch-Site: same-origin',
    'Content-Type: application/json',
    `Content-Length: ${String(body.length)}`,
  ]
  socket.on('error', () => undefined)
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  const status = once(socket, 'data').then(([data]) => String(data).split('\r\n')[0])
  return { socket, status }
}
