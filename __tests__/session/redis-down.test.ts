import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import request, { type Response } from 'supertest'
import { ConfigurationError, SessionUnavailableError } from '../../lib/index.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, secret, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { cookieOf, refusal } from '../http/wire.ts'

const remembered = { email: ada.email, password: ada.password, remember_me: true }

let emulator: Auth0Emulator
let redis: RedisServer

beforeAll(async () => {
  emulator = await startAuth0Emulator()
})
afterAll(() => emulator.close())
beforeEach(async () => {
  redis = await startRedis()
  emulator.requests.length = 0
})
afterEach(() => redis.stop())

/** Milliseconds: many times the deadline of 200, for busy machines. A hanging request exceeds the test timeout. */
const NO_HANGING = 4_900

/** An app on a private Redis with a short deadline and a public route. */
function start(options: TestAppOptions['options'] = {}): Promise<TestApp> {
  return startApp({
    emulator,
    options: { redis: redis.url, timeouts: { redis: 200 }, ...options },
    after: (app) => app.get('/public', (_req, res) => res.json({ open: true })),
  })
}

async function expectUnavailable(answer: PromiseLike<Response>): Promise<void> {
  const started = performance.now()
  const { status, body, headers } = await answer
  expect([status, body]).toEqual([503, refusal('session_unavailable')])
  expect(headers['retry-after']).toBe('2')
  expect(headers).not.toHaveProperty('set-cookie')
  expect(performance.now() - started).toBeLessThan(NO_HANGING)
}

/** Repeats the request until the response is as expected, because the reconnect time varies. */
async function until<T>(ask: () => PromiseLike<T>, isRight: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const answer = await ask()
    if (isRight(answer) || performance.now() > deadline) return answer
    await wait(20)
  }
}

const storeEvents = ({ events }: TestApp) => events.map(({ name }) => name).filter((name) => name.startsWith('store.'))
const revoked = () => emulator.requestsTo('/oauth/revoke').map(({ params }) => params.token)

describe('with Redis frozen', () => {
  it('protected routes answer 503 in time, public ones work, and everything recovers', async () => {
    const { app, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    const me = () => request(app).get('/me').set('Cookie', cookie)
    redis.pause()
    await expectUnavailable(me())
    await expectUnavailable(request(app).get('/auth/user').set('Cookie', cookie))
    const logout = await request(app).post('/auth/logout').set('Cookie', cookie)
    expect([logout.status, logout.body]).toEqual([503, refusal('session_unavailable')])
    // The session cannot be ended yet, so at least this browser forgets it.
    expect(logout.headers['set-cookie']).toEqual([expect.stringMatching(/^auth=; Path=\/; Expires=Thu, 01 Jan 1970/)])
    await request(app).get('/public').set('Cookie', cookie).expect(200)
    await request(app).get('/me').expect(401)
    redis.resume()
    const started = performance.now()
    expect((await until(me, ({ status }) => status === 200)).status).toBe(200)
    expect(performance.now() - started).toBeLessThan(NO_HANGING)
  })

  it.each([
    ['ioredis 5', Redis],
    ['ioredis 6', Redis6 as unknown as typeof Redis],
  ])("the deadline also applies to the caller's client (%s with its own defaults)", async (_name, Client) => {
    const client = new Client(redis.url)
    const { app, ...rest } = await start({ redis: client })
    const cookie = cookieOf(await rest.login().expect(200))
    redis.pause()
    await expectUnavailable(request(app).get('/me').set('Cookie', cookie))
    redis.resume()
    const again = await until(
      () => request(app).get('/me').set('Cookie', cookie),
      ({ status }) => status === 200,
    )
    expect(again.status).toBe(200)
    client.disconnect()
  })

  it('many concurrent requests are answered as quickly as one', async () => {
    const { app, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    redis.pause()
    await Promise.all(
      Array.from({ length: 50 }, () => expectUnavailable(request(app).get('/me').set('Cookie', cookie))),
    )
    redis.resume()
  })

  it('outage and recovery are logged once each', async () => {
    const started = await start()
    const cookie = cookieOf(await started.login().expect(200))
    const me = () => request(started.app).get('/me').set('Cookie', cookie)
    redis.pause()
    await Promise.all([expectUnavailable(me()), expectUnavailable(me()), expectUnavailable(me())])
    await expectUnavailable(me())
    redis.resume()
    await until(me, ({ status }) => status === 200)
    await me().expect(200)
    expect(storeEvents(started)).toEqual(['store.unavailable', 'store.recovered'])
    const [told] = started.events.filter(({ name }) => name === 'store.unavailable')
    expect(told).toMatchObject({ code: 'session_unavailable', time: expect.any(String), detail: expect.any(String) })
    expect(started.logged.filter((line) => line.includes('"event":"store.'))).toEqual([
      expect.stringContaining('"level":"error"'),
      expect.stringContaining('"level":"info"'),
    ])
    expect(started.logged.join()).not.toContain(cookie.slice(5, 40))
  })

  it('a login answers 503 without a cookie and sends no password to Auth0', async () => {
    const started = await start({ exposeTokens: true })
    redis.pause()
    await expectUnavailable(started.login(remembered))
    expect(emulator.requestsTo('/oauth/token')).toEqual([])
    expect(revoked()).toEqual([])
    redis.resume()
  })

  it('a login is never retried', async () => {
    const { app, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    emulator.requests.length = 0
    redis.pause()
    await expectUnavailable(request(app).post('/auth/login').set('Cookie', cookie).send(remembered))
    expect(emulator.requestsTo('/oauth/token').length).toBeLessThanOrEqual(1)
    redis.resume()
  })
})

describe('with Redis out of memory', () => {
  it('a login answers 503 without a cookie, its refresh token is revoked, and sessions stay readable', async () => {
    const started = await start()
    const cookie = cookieOf(await started.login().expect(200))
    const client = new Redis(redis.url)
    await client.config('SET', 'maxmemory', '1')
    await expectUnavailable(started.login(remembered))
    await request(started.app).get('/me').set('Cookie', cookie).expect(200)
    expect(started.events.find(({ name }) => name === 'store.unavailable')).toMatchObject({
      detail: expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+: OOM: .*maxmemory/),
    })
    // Reads still work, and none of them may report a recovery.
    await expectUnavailable(started.login(remembered))
    await request(started.app).get('/me').set('Cookie', cookie).expect(200)
    expect(storeEvents(started)).toEqual(['store.unavailable'])
    await client.config('SET', 'maxmemory', '0')
    await started.login(remembered).expect(200)
    await until(
      async () => revoked(),
      ({ length }) => length > 1,
    )
    expect(revoked()).toHaveLength(2)
    await client.quit()
  })
})

describe('with Redis killed', () => {
  it('protected routes answer 503 in time, and logins work again after a restart', async () => {
    const { app, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    await redis.kill()
    for (let count = 0; count < 3; count++) await expectUnavailable(request(app).get('/me').set('Cookie', cookie))
    await expectUnavailable(rest.login())
    await request(app).get('/public').expect(200)
    await redis.restart()
    const login = await until(
      () => rest.login(),
      ({ status }) => status === 200,
    )
    await request(app).get('/me').set('Cookie', cookieOf(login)).expect(200)
    // The restarted Redis is empty.
    await request(app).get('/me').set('Cookie', cookie).expect(401)
  })

  it('close() still completes', async () => {
    const { auth, ...rest } = await start()
    await rest.login().expect(200)
    await redis.kill()
    const started = performance.now()
    await auth.close()
    expect(performance.now() - started).toBeLessThan(NO_HANGING)
  })

  it('the process stays up without an unhandled rejection', async () => {
    const child = startProcess()
    const url = await child.url
    const login = () =>
      fetch(`${url}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(remembered),
      })
    const first = await login()
    expect(first.status).toBe(200)
    const cookie = first.headers.getSetCookie()[0]!.split(';')[0]!
    const me = () => fetch(`${url}/me`, { headers: { cookie } })
    expect((await me()).status).toBe(200)
    await redis.kill()
    expect((await Promise.all([me(), me(), login()])).map(({ status }) => status)).toEqual([503, 503, 503])
    await redis.restart()
    expect((await until(login, ({ status }) => status === 200)).status).toBe(200)
    await redis.kill()
    expect((await me()).status).toBe(503)
    expect(await child.stop()).toEqual({ code: 0, stderr: '' })
  })
})

describe('with Redis absent at the start', () => {
  let port: number
  const startWithout = (options: TestAppOptions['options'] = {}) =>
    start({ redis: `redis://127.0.0.1:${String(port)}`, ...options })

  beforeEach(async () => {
    port = await freePort()
  })

  it('the app starts, ready() and logins fail with session_unavailable, and both recover', async () => {
    const { auth, app, ...rest } = await startWithout()
    await expect(auth.ready()).rejects.toBeInstanceOf(SessionUnavailableError)
    await expectUnavailable(rest.login(remembered))
    await request(app).get('/me').expect(401)
    await request(app).get('/public').expect(200)
    const late = await startRedis({ port })
    const ready = () =>
      auth.ready().then(
        () => true,
        () => false,
      )
    expect(await until(ready, Boolean)).toBe(true)
    const cookie = cookieOf(await rest.login(remembered).expect(200))
    await request(app).get('/me').set('Cookie', cookie).expect(200)
    expect(rest.events.map(({ name }) => name).filter((name) => name.startsWith('store.'))).toEqual([
      'store.unavailable',
      'store.recovered',
    ])
    await auth.close()
    await late.stop()
  })

  it('ready() distinguishes a wrong domain from a missing Redis', async () => {
    const { auth } = await start({ domain: `http://127.0.0.1:${String(port)}` })
    await expect(auth.ready()).rejects.toMatchObject({ code: 'auth_unavailable' })
  })

  it('close() completes', async () => {
    const { auth } = await startWithout()
    await auth.close()
    await auth.close()
    await expect(auth.ready()).rejects.toMatchObject({ status: 503 })
  })

  it('the process stays up without an unhandled rejection or console output', async () => {
    const child = startProcess(`redis://127.0.0.1:${String(port)}`)
    const answers = await Promise.all(
      Array.from({ length: 3 }, async () =>
        fetch(`${await child.url}/auth/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({ email: ada.email, password: ada.password }),
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503])
    expect(await child.stop()).toEqual({ code: 0, stderr: '' })
  })
})

describe('with a wrong Redis password', () => {
  it('logins answer 503 without exposing a secret', async () => {
    const guarded = await startRedis({ args: ['--requirepass', 'right'] })
    const started = await start({ redis: `redis://:c4n4ry-7f3a@127.0.0.1:${String(guarded.port)}` })
    await expectUnavailable(started.login())
    await expect(started.auth.ready()).rejects.toBeInstanceOf(SessionUnavailableError)
    expect(JSON.stringify([started.events, started.logged])).not.toContain('c4n4ry-7f3a')
    expect(started.events).not.toContainEqual(expect.objectContaining({ name: ConfigurationError.name }))
    await started.auth.close()
    await guarded.stop()
  })
})

/** Runs the app in a separate process that exits on unhandled rejections. */
function startProcess(url = redis.url) {
  const script = `
    import express from 'express'
    import { createRopgAuth } from './lib/index.ts'
    const auth = createRopgAuth({ timeouts: { redis: 300 }, rateLimit: false, logger: false })
    const app = express()
    app.use('/auth', auth.router)
    app.get('/me', auth.requireAuth, (req, res) => res.json({ sub: req.auth.sub }))
    const server = app.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))
    process.once('SIGTERM', () => {
      server.close()
      server.closeAllConnections()
      auth.close()
    })
  `
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: join(__dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      AUTH0_DOMAIN: emulator.domain,
      AUTH0_CLIENT_ID: emulator.clientId,
      AUTH0_CLIENT_SECRET: emulator.clientSecret,
      SESSION_SECRET: secret,
      REDIS_URL: url,
    },
  })
  const exited = once(child, 'exit') as Promise<[code: number | null]>
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return {
    url: firstLine(child.stdout, exited, () => stderr),
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exited
      return { code, stderr }
    },
  }
}

async function firstLine(output: NodeJS.ReadableStream, exited: Promise<unknown>, stderr: () => string) {
  const lines = createInterface({ input: output })
  const line = await Promise.race([once(lines, 'line'), exited.then(() => undefined)])
  if (!line) throw new Error(`the process ended early: ${stderr()}`)
  return String(line[0])
}
