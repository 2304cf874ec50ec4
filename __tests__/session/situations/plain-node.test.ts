import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createConnection, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { NextFunction, Request, Response } from 'express'
import { AuthError, createRopgAuth, SessionUnavailableError, type RopgAuth } from '../../../lib/index.ts'
import { signIn } from '../../../lib/testing/index.ts'
import { secret, startApp } from '../../support/app.ts'
import { freePort } from '../../support/ports.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'
import { until } from '../../http/wire.ts'

type Guard = (req: Request, res: Response, next: NextFunction) => void

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function listen(handler: RequestListener) {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What the guard receives as its response. */
type ResponseOf = (answer: ServerResponse) => unknown

interface Passed {
  error: unknown
  req: IncomingMessage & { auth?: { sub: string }; session?: object }
}

/** The error that middleware passes to `next` on a server without Express. */
async function passed(
  guard: Guard,
  { headers = {}, response = () => ({}) }: { headers?: Record<string, string>; response?: ResponseOf } = {},
): Promise<Passed> {
  let result: Passed | undefined
  const url = await listen((req, answer) => {
    guard(req as Request, response(answer) as Response, (error?: unknown) => {
      result = { error, req }
      answer.end()
    })
  })
  await fetch(url, { headers })
  return result!
}

const guardsOf = (auth: RopgAuth): [string, Guard][] => [
  ['requireAuth', auth.requireAuth as Guard],
  ['optionalAuth', auth.optionalAuth],
  ['session', auth.session],
]

describe.each<[name: string, response: ResponseOf]>([
  ['undefined', () => undefined],
  ['an empty object', () => ({})],
  ['the response of Node', (answer) => answer],
])('without an Express response (%s)', (_name, response) => {
  it('an anonymous request causes an AuthError in requireAuth only', async () => {
    const { auth } = await startApp()
    const errors = []
    for (const [name, guard] of guardsOf(auth)) errors.push([name, (await passed(guard, { response })).error])
    expect(errors).toEqual([
      ['requireAuth', expect.objectContaining({ code: 'unauthenticated', status: 401 })],
      ['optionalAuth', undefined],
      ['session', undefined],
    ])
    expect(errors[0]![1]).toBeInstanceOf(AuthError)
  })

  it('a logged-in request has req.auth behind each guard, and req.session if auth.session is mounted', async () => {
    const { app, auth } = await startApp()
    const cookie = await signIn(app, auth, { sub: 'auth0|x' })
    for (const [name, guard] of guardsOf(auth)) {
      const { error, req } = await passed(guard, { response, headers: { cookie } })
      expect([name, error, req.auth?.sub, req.session !== undefined]).toEqual([
        ...[name, undefined, 'auth0|x'],
        name === 'session',
      ])
    }
  })

  it('a dead store causes a SessionUnavailableError for valid cookies only', async () => {
    const redis = await startRedis()
    cleanups.push(() => redis.stop())
    const { app, auth } = await startApp({ options: { redis: redis.url, timeouts: { redis: 200 } } })
    const cookie = await signIn(app, auth)
    redis.pause()
    const forged = { headers: { cookie: 'auth=s%3Aforged.forged' }, response }
    for (const [name, guard] of guardsOf(auth)) {
      expect([name, (await passed(guard, { response, headers: { cookie } })).error]).toEqual([
        name,
        expect.any(SessionUnavailableError),
      ])
      const { error } = await passed(guard, forged)
      expect(error).toEqual(name === 'requireAuth' ? expect.objectContaining({ code: 'unauthenticated' }) : undefined)
    }
    redis.resume()
  })
})

describe('auth.authenticate', () => {
  it('returns the login of a plain Node.js request', async () => {
    const { auth, ...site } = await startApp({ options: { scope: 'openid email offline_access' } })
    const found: unknown[] = []
    const url = await listen((req, res) => {
      auth
        .authenticate(req)
        .then(async (user) => {
          found.push(user && [user.sub, user.user.email, (await user.getAccessToken()).tokenType])
          await user?.logout()
        })
        .catch((err: unknown) => found.push(err))
        .finally(() => res.end())
    })
    await fetch(url)
    const cookie = (await site.login().expect(200)).headers['set-cookie']![0]!.split(';')[0]!
    await fetch(url, { headers: { cookie } })
    await fetch(url, { headers: { cookie } })
    expect(found).toEqual([undefined, [expect.stringMatching(/^auth0\|/), 'ada@example.com', 'Bearer'], undefined])
  })

  it('rejects with SessionUnavailableError while Redis is down, but only for valid cookies', async () => {
    const port = await freePort()
    const { auth } = await startApp({ options: { redis: `redis://127.0.0.1:${port}`, timeouts: { redis: 200 } } })
    const there = createRopgAuth({
      ...{ domain: 'tenant.example.com', clientId: 'x', clientSecret: 'x', logger: false },
      session: { secret },
    })
    const cookie = await signIn({}, there)
    const ask = (headers: Record<string, string>) => auth.authenticate({ headers } as unknown as IncomingMessage)
    await expect(ask({ cookie })).rejects.toBeInstanceOf(SessionUnavailableError)
    expect(await ask({})).toBeUndefined()
    expect(await ask({ cookie: 'auth=s%3Aforged.forged' })).toBeUndefined()
    await there.close()
  })
})

describe('findings 2: a WebSocket server in a process that exits on unhandled rejections', () => {
  /** Answers each upgrade with a status line and the name of the error from the guard. */
  const script = `
    import { createServer } from 'node:http'
    import { createRopgAuth } from './lib/index.ts'
    const auth = createRopgAuth({
      domain: 'tenant.example.com', clientId: 'x', clientSecret: 'x', timeouts: { redis: 200 }, logger: false,
      session: { secret: process.env.SECRET, prefix: 'upgrade:' }, redis: process.env.TEST_REDIS,
    })
    const server = createServer((req, res) => res.end('alive'))
    server.on('upgrade', (req, socket) => {
      const answer = (err) => socket.end('HTTP/1.1 101 ' + (err?.name ?? 'Switching') + '\\r\\n\\r\\n')
      if (req.url === '/authenticate') auth.authenticate(req).then(() => answer(), answer)
      else auth[req.url.slice(1)](req, {}, answer)
    })
    server.listen(0, '127.0.0.1', () => console.log(server.address().port))
    process.once('SIGTERM', () => { server.close(); server.closeAllConnections(); auth.close() })
  `
  const handlers = ['requireAuth', 'optionalAuth', 'session', 'authenticate']

  function startProcess(redis: RedisServer) {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: join(__dirname, '..', '..', '..'),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, TEST_REDIS: redis.url, SECRET: secret },
    })
    cleanups.push(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit') as Promise<[code: number | null]>
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const port = Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited]).then(Number)
    return {
      port,
      stop: async () => {
        child.kill('SIGTERM')
        return { code: (await exited)[0], stderr }
      },
    }
  }

  async function upgrade(port: number, path: string, cookie: string): Promise<string> {
    const socket = createConnection(port, '127.0.0.1')
    socket.write(
      `GET /${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: ${cookie}\r\n\r\n`,
    )
    let received = ''
    for await (const chunk of socket) received += String(chunk)
    return /101 (\w*)/.exec(received)?.[1] ?? received
  }

  it('survives anonymous, hostile, and valid connections with Redis up and down', async () => {
    const redis = await startRedis()
    cleanups.push(() => redis.stop())
    const twin = createRopgAuth({
      ...{ domain: 'tenant.example.com', clientId: 'x', clientSecret: 'x', logger: false, redis: redis.url },
      session: { secret, prefix: 'upgrade:' },
    })
    const live = await signIn({}, twin)
    await twin.close()
    const child = startProcess(redis)
    const port = await child.port
    const ask = async (cookie: string) => {
      const answers = await Promise.all(handlers.map((handler) => upgrade(port, handler, cookie)))
      return Object.fromEntries(handlers.map((handler, index) => [handler, answers[index]]))
    }
    const nobody = { ...allOf('Switching'), requireAuth: 'AuthError' }
    for (const cookie of ['', 'auth=s%3Aforged.forged', `auth=${'x'.repeat(4000)}`]) {
      expect(await ask(cookie)).toEqual(nobody)
    }
    expect(await ask(live)).toEqual(allOf('Switching'))
    await redis.kill()
    await until(async () => (await upgrade(port, 'requireAuth', live)) === 'SessionUnavailableError')
    for (let round = 0; round < 3; round++) {
      expect(await ask(live)).toEqual(allOf('SessionUnavailableError'))
      expect(await ask('')).toEqual(nobody)
    }
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('alive')
    expect(await child.stop()).toEqual({ code: 0, stderr: '' })
  })

  const allOf = (answer: string) => Object.fromEntries(handlers.map((handler) => [handler, answer]))
})
