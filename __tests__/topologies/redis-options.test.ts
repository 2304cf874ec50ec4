import { once } from 'node:events'
import { setImmediate as immediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { Cluster as Cluster6, Redis as Redis6 } from 'ioredis6'
import { ConfigurationError, createRopgAuth, type RopgAuthOptions } from '../../lib/index.ts'
import { resolveOptions } from '../../lib/options/resolve-options.ts'
import { openRedis } from '../../lib/store/redis-client.ts'
import { END } from '../../lib/store/redis-scripts.ts'
import { onScript } from '../promises/support/on-script.ts'
import { ada, secret, startApp } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { del, get, logIn, type Pair, post, sidOf, signal, startPair, until } from './pair.ts'
import { itKeepsSessions } from './session-suite.ts'

const DEADLINE = 500
const timeouts = { redis: DEADLINE, auth0: 1000 }
const { email, password } = ada

let server: RedisServer
let direct: Redis
const undo: (() => unknown)[] = []

beforeAll(async () => {
  server = await startRedis()
  direct = new Redis(server.url)
})

afterAll(async () => {
  direct.disconnect()
  await server.stop()
})

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

function clientOf(options: RedisOptions = {}, Client = Redis): Redis {
  const client = new Client({ port: server.port, host: '127.0.0.1', ...options })
  client.on('error', () => undefined)
  undo.push(() => client.disconnect())
  return client
}

const clientOf6 = (options: RedisOptions = {}) => clientOf(options, Redis6 as unknown as typeof Redis)

const bounded = { commandTimeout: 1000, maxRetriesPerRequest: 1 }

describe.each([
  ['a URL', () => server.url],
  ['ioredis options', () => ({ port: server.port, host: '127.0.0.1' })],
  ['an ioredis 5 client', () => clientOf(bounded)],
  ['an ioredis 6 client', () => clientOf6(bounded)],
])('sessions in one Redis, through %s', (_name, redis) => {
  itKeepsSessions({ redis, masters: () => [direct] })
})

describe('a client created by the package', () => {
  const opened = (redis: string | RedisOptions, times: RopgAuthOptions['timeouts'] = timeouts) => {
    const tenant = { domain: 'tenant.example.com', clientId: 'id', clientSecret: 'secret', session: { secret } }
    const config = resolveOptions({ ...tenant, redis, timeouts: times, logger: false }, {}, {})
    const { client, owned } = openRedis(config.redis!, config)
    undo.push(() => client.disconnect())
    expect(owned).toBe(true)
    return client as Redis
  }

  it.each([
    ['a URL', () => server.url],
    ['options', () => ({ port: server.port, host: '127.0.0.1' })],
    ['Sentinel options', () => ({ sentinels: [{ port: server.port, host: '127.0.0.1' }], name: 'none' })],
  ])('has a timeout for every wait, created from %s', (_name, redis) => {
    const { options } = opened(redis())
    expect(options.socketTimeout).toBe(3 * DEADLINE)
    expect(options.connectTimeout).toBe(DEADLINE)
    expect(options.maxRetriesPerRequest).toBeLessThanOrEqual(3)
    for (const times of [1, 10, 1_000_000]) expect(options.retryStrategy!(times)).toBeLessThanOrEqual(2000)
    expect(options.reconnectOnError!(new Error("READONLY You can't write against a read only replica."))).toBe(2)
    expect(options.reconnectOnError!(new Error('WRONGTYPE Operation against a key'))).toBe(false)
  })

  it('recognizes READONLY from a script in Redis 6.2', () => {
    const said = "ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write against a read only"
    expect(opened(server.url).options.reconnectOnError!(new Error(said))).toBe(2)
  })

  it.each([
    ['default', 1000, [2, 2, false, false, 2]],
    ['short', 100, [2, false, false, false, 2]],
  ])('with a %s deadline, leaves a replica briefly and reports it in time', (_name, redis, decisions) => {
    let now = 0
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now)
    undo.push(() => clock.mockRestore())
    const reconnects = opened(server.url, { redis }).options.reconnectOnError!
    const decide = (at: number) => {
      now = at
      return reconnects(new Error("READONLY You can't write against a read only replica."))
    }
    // ioredis waits 50 ms before it connects again.
    expect([1, 55, 110, 900, 1100].map(decide)).toEqual(decisions)
  })

  it("uses the caller's options first", () => {
    const { options } = opened({ port: server.port, commandTimeout: 77, maxRetriesPerRequest: 9 })
    expect([options.commandTimeout, options.maxRetriesPerRequest]).toEqual([77, 9])
  })

  it('leaves no timer behind when its connection breaks in the middle of a command', async () => {
    const client = opened({ port: server.port, host: '127.0.0.1', retryStrategy: () => null })
    // A private field of ioredis.
    const timer = () => (client as unknown as { socketTimeoutTimer?: NodeJS.Timeout }).socketTimeoutTimer
    const id = String(await client.client('ID'))
    const answer = client.blpop('never', 0).catch((err: unknown) => err)
    await until(async () => String(await direct.client('LIST')).includes(`id=${id} `) && timer() !== undefined)
    const ended = once(client, 'end')
    await direct.client('KILL', 'ID', id)
    await ended
    expect(await answer).toMatchObject({ message: 'Connection is closed.' })
    expect(timer()).toBeUndefined()
  })

  it('does not emit unhandled errors', async () => {
    const client = opened({ port: await freePort(), host: '127.0.0.1' })
    expect(client.listenerCount('error')).toBeGreaterThan(0)
    await expect(client.ping()).rejects.toThrow()
  })
})

describe('a client passed by the caller', () => {
  const warningsFor = async (redis: RopgAuthOptions['redis']) => {
    const { logged } = await startApp({ options: { redis: redis! } })
    return logged.filter((line) => line.includes('commandTimeout') && line.includes('"level":"warn"'))
  }
  const clusterOf = (options?: object, Client = Cluster) => {
    const client = new Client([{ port: server.port, host: '127.0.0.1' }], { lazyConnect: true, ...options })
    undo.push(() => client.disconnect())
    return client
  }
  const six = Cluster6 as unknown as typeof Cluster

  it.each([
    ['an ioredis 5 client as it comes', () => clientOf()],
    ['an ioredis 6 client as it comes', () => clientOf6()],
    ['a client that retries without end', () => clientOf({ maxRetriesPerRequest: null })],
    ['a client that waits for a frozen server', () => clientOf({ maxRetriesPerRequest: 1 })],
    ['a Cluster as it comes', () => clusterOf()],
    ['a Cluster of ioredis 6 as it comes', () => clusterOf({}, six)],
    ['a Cluster with other options only', () => clusterOf({ redisOptions: { password: 'x' } })],
    ['a Cluster with redisOptions: undefined', () => clusterOf({ redisOptions: undefined })],
  ])('causes a warning if it waits forever: %s', async (_name, client) => {
    expect(await warningsFor(client())).toHaveLength(1)
  })

  it.each([
    ['an ioredis 5 client', () => clientOf({ commandTimeout: 1000 })],
    ['an ioredis 6 client', () => clientOf6({ commandTimeout: 1000 })],
    ['a Cluster', () => clusterOf({ redisOptions: { commandTimeout: 1000 } })],
    ['a Cluster of ioredis 6', () => clusterOf({ redisOptions: { commandTimeout: 1000 } }, six)],
  ])('causes no warning if it has a commandTimeout: %s', async (_name, client) => {
    expect(await warningsFor(client())).toEqual([])
  })

  it.each([
    ['node-redis', { connect: async () => undefined, sendCommand: async () => 'OK', scanIterator: () => [] }],
    ['a pool of node-redis', { sendCommand: async () => 'OK', get: async () => null }],
  ])('is refused if it is not from ioredis: %s', (_name, client) => {
    const options = { domain: 'tenant.example.com', clientId: 'id', clientSecret: 'secret', session: { secret } }
    const create = () => createRopgAuth({ ...options, redis: client as RedisOptions, logger: false })
    expect(create).toThrow(ConfigurationError)
    expect(create).toThrow(/redis must be an ioredis client.*connect-redis 8/)
  })
})

describe('while Redis is frozen', () => {
  const BY = DEADLINE + 500
  let pair: Pair
  let cookie: string
  const gate = { entered: signal(), open: signal() }

  const timed = async <T>(call: () => PromiseLike<T>): Promise<{ result: T; took: number }> => {
    const since = performance.now()
    const result = await call()
    return { result, took: performance.now() - since }
  }

  const start = async (options: RopgAuthOptions = {}, redis: () => RopgAuthOptions['redis'] = () => server.url) => {
    Object.assign(gate, { entered: signal(), open: signal() })
    pair = await startPair({
      redis,
      options: { timeouts, ...options },
      after: (app, auth) => {
        app.get('/gated', auth.requireAuth, (req, res, next) => {
          gate.entered.give()
          gate.open.given.then(() => req.auth.getAccessToken()).then((token) => res.json(token), next)
        })
      },
    })
    cookie = await logIn(pair.first)
  }

  beforeEach(() => start())

  // Before the instances close, which a frozen server would delay.
  afterEach(() => server.resume())

  it.each([
    ['a login', () => pair.first.login()],
    ['a login over an old session', () => pair.first.login().set('Cookie', cookie)],
    ['a protected GET', () => get(pair.first, '/me', cookie)],
    ['a GET with getAccessToken', () => get(pair.first, '/token', cookie)],
    ['a logout', () => post(pair.first, '/auth/logout', cookie)],
    ['GET /sessions', () => get(pair.first, '/auth/sessions', cookie)],
    ['DELETE /sessions', () => del(pair.first, '/auth/sessions', cookie)],
    ['DELETE /sessions/:id', () => del(pair.first, '/auth/sessions/some', cookie)],
  ])('%s answers 503 in time', async (_name, call) => {
    server.pause()
    const { result, took } = await timed(call)
    expect([result.status, result.body.error]).toEqual([503, 'session_unavailable'])
    expect(Number(result.headers['retry-after'])).toBeGreaterThan(0)
    expect(took).toBeLessThan(BY)
    server.resume()
    await until(async () => (await get(pair.second, '/me', cookie)).status === 200, 1000)
  })

  it('a rate-limited login answers 503 within two deadlines', async () => {
    await start({ rateLimit: { subnet: { limit: 100, windowMs: 60_000 } } })
    server.pause()
    const { result, took } = await timed(() => pair.first.login({ email, password, remember_me: true }))
    expect([result.status, result.body.error]).toEqual([503, 'session_unavailable'])
    expect(took).toBeLessThan(2 * DEADLINE + 500)
  })

  it.each([
    ['lives', false],
    ['has expired', true],
  ])('getAccessToken in a handler settles in time if the token %s', async (_name, expired) => {
    if (expired) pair.expireTokens()
    const answer = get(pair.first, '/gated', cookie).then((found) => found)
    await gate.entered.given
    server.pause()
    // In the turn in which the session is read, its tokens need no second read.
    await immediate()
    gate.open.give()
    const { result, took } = await timed(() => answer)
    expect([result.status, result.body.error]).toEqual([503, 'session_unavailable'])
    expect(took).toBeLessThan(BY)
    expect(pair.refreshes()).toBe(0)
  })

  it('a lock granted too late does not delay the next refresh', async () => {
    const client = clientOf()
    const set = client.set.bind(client) as (...args: unknown[]) => Promise<'OK'>
    const clients = [client, server.url]
    await start({}, () => clients.shift()!)
    Object.assign(client, {
      set: (...args: unknown[]) => {
        if (args.includes('NX')) server.pause()
        return set(...args)
      },
    })
    pair.expireTokens()
    const { result: refused, took } = await timed(() => get(pair.first, '/token', cookie))
    expect(refused.status).toBe(503)
    expect(took).toBeLessThan(BY)
    server.resume()
    const next = await timed(() => get(pair.second, '/token', cookie))
    expect(next.result.status).toBe(200)
    expect(next.took).toBeLessThan(2000)
  })

  it('auth.sessions and auth.ready reject in time', async () => {
    server.pause()
    const { auth } = pair.first
    const { sessions } = auth
    const calls = [
      () => sessions.list('u'),
      () => sessions.revoke('u', 'i'),
      () => sessions.revokeAll('u'),
      () => auth.ready(),
    ]
    for (const call of calls) {
      const { result, took } = await timed(() => call().catch((err: unknown) => err))
      expect(result).toMatchObject({ code: 'session_unavailable', status: 503 })
      expect(took).toBeLessThan(BY)
    }
  })

  it.each([
    ['ioredis 5', () => clientOf()],
    ['ioredis 6', () => clientOf6()],
  ])("a caller's client that waits forever has the same deadline: %s", async (_name, client) => {
    await start({}, client)
    server.pause()
    for (const call of [() => pair.first.login(), () => get(pair.first, '/me', cookie)]) {
      const { result, took } = await timed(call)
      expect(result.status).toBe(503)
      expect(took).toBeLessThan(BY)
    }
  })

  it('promise 5: a login that the store accepts too late leaves no session', async () => {
    const { first, emulator, prefix } = pair
    const before = await direct.keys(`${prefix}*`)
    const held = emulator.hold({ after: true })
    const answer = first.login().then((found) => found.status)
    await held.arrived
    server.pause()
    held.release()
    expect(await answer).toBe(503)
    server.resume()
    // Redis processes a connection in order: late writes, their rollback, then this command.
    await until(async () => (await get(first, '/me', cookie)).status === 200)
    expect((await direct.keys(`${prefix}*`)).sort()).toEqual(before.sort())
    const { sub } = emulator.users.get(email)!
    expect(await first.auth.sessions.list(sub)).toHaveLength(1)
  })
})

describe('a revocation', () => {
  it('can be repeated after the store failed', async () => {
    const client = clientOf(bounded)
    const pair = await startPair({ redis: () => client })
    const cookie = await logIn(pair.first)
    const { sub } = pair.emulator.users.get(email)!
    const [{ id } = { id: '' }] = await pair.first.auth.sessions.list(sub)
    let failures = 1
    onScript(client, END, ({ run }) => (failures-- > 0 ? Promise.reject(new Error('ECONNRESET')) : run()))
    await expect(pair.first.auth.sessions.revoke(sub, id)).rejects.toMatchObject({ code: 'session_unavailable' })
    expect(await pair.first.auth.sessions.revoke(sub, id)).toBe(true)
    await get(pair.second, '/me', cookie).expect(401)
    expect((await direct.keys('*')).filter((key) => key.includes(sidOf(cookie)))).toEqual([])
  })
})

describe('auth.ready()', () => {
  it('resolves once Auth0 and Redis have responded', async () => {
    const { auth, emulator } = await startApp({ options: { redis: server.url } })
    expect(emulator.requests).toEqual([])
    await expect(auth.ready()).resolves.toBeUndefined()
    expect(emulator.requests.map(({ path }) => path)).toContain('/.well-known/openid-configuration')
  })

  it('rejects in time without Redis and resolves once Redis is up', async () => {
    const port = await freePort()
    const { auth } = await startApp({ options: { redis: `redis://127.0.0.1:${port}`, timeouts } })
    const since = performance.now()
    await expect(auth.ready()).rejects.toMatchObject({ code: 'session_unavailable' })
    expect(performance.now() - since).toBeLessThan(DEADLINE + 500)
    const late = await startRedis({ port })
    undo.push(() => late.stop())
    await until(() =>
      auth.ready().then(
        () => true,
        () => false,
      ),
    )
  })

  it('rejects while Auth0 does not answer and resolves when it does', async () => {
    const { auth, emulator } = await startApp({ options: { redis: server.url, timeouts } })
    emulator.failNext({ path: '/.well-known/openid-configuration', status: 503 })
    await expect(auth.ready()).rejects.toMatchObject({ code: 'auth_unavailable' })
    await expect(auth.ready()).resolves.toBeUndefined()
  })

  it('rejects without an unhandled rejection if neither responds', async () => {
    const redis = `redis://127.0.0.1:${await freePort()}`
    const { auth, emulator, events } = await startApp({ options: { redis, timeouts } })
    const unhandled: unknown[] = []
    const listen = (err: unknown) => unhandled.push(err)
    process.on('unhandledRejection', listen)
    undo.push(() => process.off('unhandledRejection', listen))
    emulator.failNext({ path: '/.well-known/openid-configuration', reset: true })
    await expect(auth.ready()).rejects.toMatchObject({ status: 503 })
    await until(() => events.some(({ name }) => name === 'store.unavailable'))
    // Node.js reports unhandled rejections before the next macrotask.
    await new Promise(setImmediate)
    expect(unhandled).toEqual([])
  })
})

describe('auth.close()', () => {
  const BY = 5_000

  afterEach(() => server.resume())

  const connections = async () =>
    String(await direct.client('LIST'))
      .split('\n')
      .filter(Boolean).length

  it.each([
    ['a URL', () => server.url],
    ['options', () => ({ port: server.port, host: '127.0.0.1' })],
  ])('closes connections that the package opened from %s', async (_name, redis) => {
    const before = await connections()
    const { auth } = await startApp({ options: { redis: redis() } })
    await auth.ready()
    expect(await connections()).toBe(before + 1)
    await auth.close()
    await until(async () => (await connections()) === before)
    await expect(auth.ready()).rejects.toMatchObject({
      code: 'configuration_error',
      detail: expect.stringContaining('auth.close()'),
    })
  })

  it.each([
    ['ioredis 5', () => clientOf(bounded)],
    ['ioredis 6', () => clientOf6(bounded)],
  ])("keeps the caller's client open: %s", async (_name, open) => {
    const client = open()
    const { auth } = await startApp({ options: { redis: client } })
    await auth.ready()
    await auth.close()
    expect(await client.ping()).toBe('PONG')
  })

  it('can be called again, immediately and later', async () => {
    const { auth } = await startApp({ options: { redis: server.url } })
    await auth.ready()
    await Promise.all([auth.close(), auth.close()])
    await auth.close()
  })

  it.each([
    ['URL', () => server.url],
    ['a client of the caller', () => clientOf(bounded)],
  ])('waits for a pending refresh and stores its tokens: %s', async (_name, redis) => {
    const pair = await startPair({ redis, options: { timeouts } })
    const idle = await startApp({ options: { redis: redis(), timeouts } })
    await idle.auth.ready()
    const cookie = await logIn(pair.first)
    pair.expireTokens()
    const gate = pair.emulator.hold({ grantType: 'refresh_token', after: true })
    const answer = get(pair.first, '/token', cookie).then((found) => found)
    await gate.arrived
    await direct.script('FLUSH')
    const since = performance.now()
    let closed = false
    const closing = pair.first.auth.close().then(() => {
      closed = true
    })
    // The same steps for an instance with nothing to wait for.
    await idle.auth.close()
    expect(closed).toBe(false)
    gate.release()
    await closing
    expect(performance.now() - since).toBeLessThan(BY)
    const { status, body } = await answer
    expect(status).toBe(200)
    await until(async () => !(await direct.keys(`${pair.prefix}*`)).some((key) => key.includes(':l:')), 1000)
    expect((await get(pair.second, '/token', cookie).expect(200)).body.accessToken).toBe(body.accessToken)
    expect(pair.refreshes()).toBe(1)
    pair.expireTokens()
    await get(pair.second, '/token', cookie).expect(200)
  })

  it('stores the refreshed token if the store comes back while it waits', async () => {
    const pair = await startPair({ redis: () => server.url, options: { timeouts } })
    const cookie = await logIn(pair.first)
    pair.expireTokens()
    const gate = pair.emulator.hold({ grantType: 'refresh_token', after: true })
    const answer = get(pair.first, '/token', cookie).then((found) => found)
    await gate.arrived
    server.pause()
    gate.release()
    const { status, body } = await answer
    expect(status).toBe(200)
    const closing = pair.first.auth.close()
    server.resume()
    await closing
    expect((await get(pair.second, '/token', cookie).expect(200)).body.accessToken).toBe(body.accessToken)
    expect(pair.refreshes()).toBe(1)
  })

  it('waits for a pending revocation', async () => {
    const pair = await startPair({ redis: () => server.url, options: { timeouts } })
    const cookie = await logIn(pair.first)
    const gate = pair.emulator.hold({ path: '/oauth/revoke' })
    await post(pair.first, '/auth/logout', cookie).expect(200)
    await gate.arrived
    const closing = pair.first.auth.close()
    gate.release()
    await closing
    expect(pair.emulator.refreshTokens.families()).toBe(0)
  })

  it.each([
    ['Auth0 never answers a refresh', true, async () => undefined],
    ['Auth0 never answers a revocation', false, async () => undefined],
    ['Redis is frozen', false, async () => server.pause()],
    ['Redis was frozen in the middle of a refresh', true, async () => server.pause()],
  ])('finishes within five seconds when %s', async (_name, refreshing, trouble) => {
    const pair = await startPair({ redis: () => server.url, options: { timeouts } })
    const cookie = await logIn(pair.first)
    pair.expireTokens()
    const gate = pair.emulator.hold(refreshing ? {} : { path: '/oauth/revoke' })
    const answer = (refreshing ? get(pair.first, '/token', cookie) : post(pair.first, '/auth/logout', cookie)).then(
      ({ status }) => status,
    )
    await gate.arrived
    await trouble()
    const since = performance.now()
    await pair.first.auth.close()
    expect(performance.now() - since).toBeLessThan(BY)
    server.resume()
    expect(await answer).toBe(refreshing ? 503 : 200)
    gate.release()
  })

  it('finishes when Redis has died', async () => {
    const own = await startRedis()
    undo.push(() => own.stop())
    const { auth } = await startApp({ options: { redis: own.url, timeouts } })
    await auth.ready()
    await own.kill()
    const since = performance.now()
    await auth.close()
    expect(performance.now() - since).toBeLessThan(BY)
  })

  it('finishes if Redis was never available', async () => {
    const { auth } = await startApp({ options: { redis: `redis://127.0.0.1:${await freePort()}`, timeouts } })
    const since = performance.now()
    await auth.close()
    expect(performance.now() - since).toBeLessThan(BY)
  })
})
