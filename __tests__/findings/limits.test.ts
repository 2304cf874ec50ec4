import { createServer, request as httpRequest, type RequestListener, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import request from 'supertest'
import type { AuthError, RopgAuthOptions } from '../../lib/index.ts'
import { plainAddress } from '../../lib/ip-address.ts'
import { ada, startApp, type TestApp } from '../support/app.ts'
import { testRedisUrl, uniquePrefix } from '../support/redis.ts'

const right = { email: ada.email, password: ada.password }
const wrong = { email: ada.email, password: 'wrong' }
const off = { subnet: false, attempts: false, account: false } as const

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done))))
})

async function listen(app: TestApp['app'], ...where: [number, string] | [string]): Promise<Server> {
  const server = createServer(app as RequestListener)
  servers.push(server)
  server.listen(...(where as [string]))
  await once(server, 'listening')
  return server
}

const grants = (app: TestApp) => app.emulator.requestsTo('/oauth/token').length

function startLimited(rateLimit: RopgAuthOptions['rateLimit'], more: RopgAuthOptions = {}) {
  return startApp({ options: { rateLimit, ...more }, before: (app) => void app.set('trust proxy', 1) })
}

describe('findings 50: a client that resets its connection after sending', () => {
  it('never causes a password grant without its address', async () => {
    const app = await startApp({ options: { rateLimit: {} } })
    const server = await listen(app.app, 0, '127.0.0.1')
    const { port } = server.address() as AddressInfo
    const body = JSON.stringify(wrong)
    for (let attempt = 1; attempt <= 20; attempt++) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(
        `POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        () => socket.resetAndDestroy(),
      )
      await once(socket, 'close')
    }
    // A request on an open connection is processed after all of those.
    await request(server).post('/auth/login').send(wrong)
    expect(grants(app)).toBeLessThanOrEqual(6)
    const addresses = app.emulator.requestsTo('/oauth/token').map(({ headers }) => headers['auth0-forwarded-for'])
    expect(addresses.every((address) => address === '127.0.0.1')).toBe(true)
  })
})

describe('findings 51: listening on a Unix socket', () => {
  it('limits all clients in one bucket, and the log names trust proxy', async () => {
    const app = await startApp({ options: { rateLimit: { ...off, subnet: { limit: 3, windowMs: 60_000 } } } })
    const socketPath = join(tmpdir(), `${randomUUID()}.sock`)
    await listen(app.app, socketPath)
    const send = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { 'Content-Type': 'application/json' }
        const sent = httpRequest({ socketPath, path: '/auth/login', method: 'POST', headers }, (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        })
        sent.on('error', reject)
        sent.end(JSON.stringify(wrong))
      })
    const statuses = []
    for (let attempt = 1; attempt <= 5; attempt++) statuses.push(await send())
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    expect(app.logged.filter((line) => line.includes('trust proxy') && line.includes('Unix socket'))).toHaveLength(1)
  })
})

describe('findings 53: NAT64 clients', () => {
  it.each([
    ['64:ff9b::203.0.113.7', '203.0.113.7'],
    ['64:ff9b::cb00:7107', '203.0.113.7'],
    ['64:FF9B::203.0.113.8', '203.0.113.8'],
    ['64:ff9b:1::203.0.113.8', '64:ff9b:1::203.0.113.8'],
  ])('%s is %s', (wrapped, plain) => {
    expect(plainAddress(wrapped)).toBe(plain)
  })

  it('are counted separately', async () => {
    const app = await startLimited({ ...off, subnet: { limit: 1, windowMs: 60_000 } })
    const from = (address: string) => app.login(wrong).set('X-Forwarded-For', address)
    await from('64:ff9b::203.0.113.7').expect(401)
    await from('64:ff9b::203.0.113.8').expect(401)
    await from('203.0.113.7').expect(429)
  })
})

describe('findings 54: a route of the app that calls auth.login', () => {
  const start = (options: RopgAuthOptions) =>
    startApp({
      options,
      after: (app, auth) => {
        app.post('/own', (req, res) => {
          auth.login(req, { username: ada.email, password: 'wrong' }).then(
            () => res.json({}),
            (err: unknown) => res.status((err as AuthError).status).json(err),
          )
        })
      },
    })

  it('has the limits of POST /login', async () => {
    const app = await start({ rateLimit: { subnet: { limit: 2, windowMs: 60_000 } } })
    const statuses = []
    for (let attempt = 1; attempt <= 3; attempt++) statuses.push((await request(app.app).post('/own')).status)
    expect(statuses).toEqual([401, 401, 429])
    await app.login(right).expect(429)
  })

  it.each([
    ['from another site', {}, { 'Sec-Fetch-Site': 'cross-site' }, 403, 'cross_site_request'],
    ['over plain HTTP', { requireHttps: true }, {}, 400, 'https_required'],
  ])('refuses one %s', async (_name, options, headers, status, code) => {
    const app = await start(options)
    const answer = await request(app.app).post('/own').set(headers)
    expect([answer.status, answer.body.error]).toEqual([status, code])
    expect(grants(app)).toBe(0)
  })
})

describe('findings 55: requests refused because of plain HTTP', () => {
  it('do not count as attempts', async () => {
    const app = await startLimited({ subnet: { limit: 1, windowMs: 60_000 } }, { requireHttps: true })
    for (let attempt = 1; attempt <= 5; attempt++) await app.login(right).expect(400)
    await app.login(right).set('X-Forwarded-Proto', 'https').expect(200)
  })
})

describe('findings 56: a username that may be a password', () => {
  it.each([
    ['the password', ada.password, 'x'],
    ['the password with other spaces and letters', ' Correct  horseBatterystaple', ada.password],
    ['no email address', 'hunter2!', 'x'],
  ])('%s is hashed in a failed login', async (_name, username, password) => {
    const app = await startApp()
    await app.login({ username, password }).expect(401)
    const said = JSON.stringify(app.events) + app.logged.join('')
    expect(said).not.toContain(username.trim())
    expect(app.events.at(-1)?.userName).toMatch(/^[\w-]{22}$/)
  })

  it('is reported unchanged if it is an email address', async () => {
    const app = await startApp()
    await app.login(wrong).expect(401)
    expect(app.events.at(-1)?.userName).toBe(ada.email)
  })
})

describe('findings 56: swapped usernames and passwords', () => {
  const secret = 'c4n4ry-7f3a'

  it.each([
    ['both fields hold the password', secret, secret],
    ['the fields are swapped', secret, ada.email],
    ['the name goes on in the password', 'c4n4ry@example.com', 'c4n4ry@example.com-7f3a'],
  ])('%s: do not appear in events or log lines', async (_title, username, password) => {
    const app = await startApp()
    const description = `no user ${username}`
    app.emulator.failNext({ status: 403, body: { error: 'invalid_grant', error_description: description } })
    await app.login({ username, password }).expect(401)
    expect(JSON.stringify(app.events) + app.logged.join('')).not.toContain(username)
  })

  it('reveal no more in a refused attempt than in a failed one', async () => {
    const app = await startApp({ options: { rateLimit: { ...off, subnet: { limit: 1, windowMs: 60_000 } } } })
    await app.login({ username: secret, password: 'x' }).expect(401)
    await app.login({ username: secret, password: 'x' }).expect(429)
    expect(app.events.map(({ name, userNameHashed }) => [name, userNameHashed])).toEqual([
      ['login.failed', 'not an email address'],
      ['login.rate_limited', 'not an email address'],
    ])
    expect(JSON.stringify(app.events) + app.logged.join('')).not.toContain(secret)
  })
})

describe('findings 56: a user with MFA whose name resembles the password', () => {
  it('appears in no event', async () => {
    const users = [{ email: 'mia@example.com', password: 'MIA@example.com', mfa: true }]
    const app = await startApp({ options: { mfa: 'api' }, emulator: { users } })
    const agent = app.agent()
    await agent.post('/auth/login').send(users[0]).expect(403)
    await agent.post('/auth/mfa/verify').send({ otp: '000000' }).expect(401)
    expect(app.events.map(({ name, userNameHashed }) => [name, userNameHashed])).toEqual([
      ['mfa.required', 'resembles the password'],
      ['mfa.failed', 'resembles the password'],
    ])
    expect((JSON.stringify(app.events) + app.logged.join('')).toLowerCase()).not.toContain('mia@example.com')
  })
})

describe('findings 56: a username that is not an email address, with MFA', () => {
  it('is hashed only in failures', async () => {
    const users = [{ email: 'mia-factor', password: 'second', mfa: true }]
    const app = await startApp({ options: { mfa: 'api' }, emulator: { users } })
    const agent = app.agent()
    await agent.post('/auth/login').send({ username: 'mia-factor', password: 'second' }).expect(403)
    await agent.post('/auth/mfa/verify').send({ otp: '000000' }).expect(401)
    expect(app.events).toMatchObject([
      { name: 'mfa.required', userName: 'mia-factor' },
      { name: 'mfa.failed', userNameHashed: 'not an email address' },
    ])
  })
})

describe('findings 57: a username that contains the password by chance', () => {
  const users = [{ email: 'blocked@example.com', password: 'blocked' }]

  it.each([
    ['a login', 'blocked', 200, 'login.succeeded'],
    ['a failed login', 'Block', 401, 'login.failed'],
    ['one with spaces', ' b lock', 401, 'login.failed'],
  ])('is hashed in %s, with the reason in the event', async (_title, password, status, name) => {
    const app = await startApp({ emulator: { users } })
    await app.login({ email: 'blocked@example.com', password }).expect(status)
    const [event] = app.events
    expect(event).toMatchObject({ name, userNameHashed: 'resembles the password' })
    expect(event?.userName).toMatch(/^[\w-]{22}$/)
    expect(app.logged.join('')).toContain('resembles the password')
  })

  it.each(['hashed', false] as const)('is reported without a reason if logUserName is %s', async (logUserName) => {
    const app = await startApp({ emulator: { users }, options: { logUserName } })
    await app.login(users[0]).expect(200)
    expect(app.events[0]).not.toHaveProperty('userNameHashed')
  })
})

describe('the limit of an account', () => {
  const limits = { ...off, account: { limit: 3, windowMs: 60_000 } }
  const from = (app: TestApp, address: string, body: object) => app.login(body).set('X-Forwarded-For', address)

  it('applies across clients, ignores case, and covers unknown accounts', async () => {
    const app = await startLimited(limits)
    for (const [at, email] of [ada.email, 'nobody@example.com'].entries()) {
      const statuses = []
      for (let attempt = 1; attempt <= 4; attempt++) {
        const body = { email: attempt % 2 ? email : ` ${email.toUpperCase()}`, password: 'wrong' }
        statuses.push((await from(app, `203.0.${String(at)}.${String(attempt)}`, body)).status)
      }
      expect(statuses).toEqual([401, 401, 401, 429])
    }
  })

  it('cannot lock out an owner who has logged in from the same network before', async () => {
    const app = await startLimited(limits)
    await from(app, '198.51.100.1', right).expect(200)
    for (let attempt = 1; attempt <= 4; attempt++) await from(app, `203.0.113.${String(attempt)}`, wrong)
    await from(app, '203.0.113.77', right).expect(429)
    await from(app, '198.51.100.1', right).expect(200)
  })

  it('counts only refusals, not successful logins or outages', async () => {
    const app = await startLimited(limits)
    for (let attempt = 1; attempt <= 5; attempt++) {
      app.emulator.failNext({ status: 503 })
      await from(app, '203.0.113.1', right).expect(503)
      await from(app, '203.0.113.1', right).expect(200)
    }
  })

  it('is shared by two processes and stores no username', async () => {
    const session = { prefix: uniquePrefix() }
    const first = await startApp({ options: { rateLimit: limits, session } })
    const second = await startApp({ options: { rateLimit: limits, session }, emulator: first.emulator })
    for (const app of [first, second, first]) await app.login(wrong).expect(401)
    const refused = await second.login(right)
    expect([refused.status, refused.body.error]).toEqual([429, 'rate_limited'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    const redis = new Redis(testRedisUrl())
    const keys = await redis.keys(`${session.prefix}*`)
    const times = await Promise.all(keys.map((key) => redis.pttl(key)))
    await redis.quit()
    expect(keys.join()).not.toContain('ada')
    expect(times.every((ttl) => ttl > 0)).toBe(true)
  })
})
