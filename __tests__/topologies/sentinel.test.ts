import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis, type RedisOptions } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import { setTimeout as wait } from 'node:timers/promises'
import { startRedis } from '../support/redis-server.ts'
import { get, logIn, type Pair, post, startPair, until } from './pair.ts'
import { type SentinelSet, startSentinelSet } from './redis-sentinel.ts'
import { itKeepsSessions } from './session-suite.ts'
import { startSwitchboard } from './switchboard.ts'

/** Maximum failover time in the contract, in milliseconds. */
const BACK_WITHIN = 5_000

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const optionsFor = ({ sentinels, name }: SentinelSet): RedisOptions => ({ sentinels, name })

/** A client as an app creates it: Sentinel settings and the recommended timeout. */
function clientFor(set: SentinelSet, Client = Redis): Redis {
  const client = new Client({ ...optionsFor(set), commandTimeout: 1000, maxRetriesPerRequest: 1 })
  client.on('error', () => undefined)
  undo.push(() => client.disconnect())
  return client
}

describe('sessions behind Sentinel', () => {
  let set: SentinelSet
  let master: Redis

  beforeAll(async () => {
    set = await startSentinelSet()
    master = new Redis(set.master.url)
  }, 30_000)

  afterAll(async () => {
    master.disconnect()
    await set.stop()
  })

  describe.each([
    ['an ioredis 5 client', () => clientFor(set)],
    ['an ioredis 6 client', () => clientFor(set, Redis6 as unknown as typeof Redis)],
    ['ioredis options', () => optionsFor(set)],
  ])('through %s', (_name, redis) => {
    itKeepsSessions({ redis, masters: () => [master] })
  })
})

describe('a Sentinel failover', () => {
  let set: SentinelSet
  let masterClient: Redis

  const begin = async () => {
    set = await startSentinelSet()
    undo.push(() => set.stop())
    masterClient = new Redis(set.master.url)
    masterClient.on('error', () => undefined)
    undo.push(() => masterClient.disconnect())
  }

  it.each([
    ['ioredis options', () => optionsFor(set)],
    ['an ioredis 5 client', () => clientFor(set)],
    ['an ioredis 6 client', () => clientFor(set, Redis6 as unknown as typeof Redis)],
  ])(
    'completes within five seconds if the master dies, through %s',
    async (name, redis) => {
      await begin()
      const pair = await startPair({ redis })
      const cookie = await logIn(pair.first)
      await replicated(masterClient)
      const down = performance.now()
      await set.master.kill()
      const took = await firstSuccess(pair, cookie, down)
      told(`${name}, master killed`, took)
      expect(took).toBeLessThan(BACK_WITHIN)
      expect(await set.masterPort()).toBe(set.replica.port)
      await worksAsBefore(pair, cookie)
    },
    30_000,
  )

  it("completes within five seconds if the master's machine disappears", async () => {
    await begin()
    const pair = await startPair({ redis: () => optionsFor(set) })
    const cookie = await logIn(pair.first)
    await replicated(masterClient)
    const down = performance.now()
    set.master.pause()
    undo.push(() => set.master.resume())
    const took = await firstSuccess(pair, cookie, down)
    told('ioredis options, master frozen', took)
    expect(took).toBeLessThan(BACK_WITHIN)
    await worksAsBefore(pair, cookie)
  }, 30_000)

  it('completes within five seconds if an operator triggers it', async () => {
    await begin()
    const pair = await startPair({ redis: () => optionsFor(set) })
    const cookie = await logIn(pair.first)
    await replicated(masterClient)
    const down = performance.now()
    await set.sentinel.call('SENTINEL', 'FAILOVER', set.name)
    await until(async () => (await set.masterPort()) === set.replica.port, 15_000)
    const promoted = performance.now()
    const took = await firstSuccess(pair, cookie, promoted)
    told(`SENTINEL FAILOVER, promoted after ${Math.round(promoted - down)} ms, then`, took)
    expect(took).toBeLessThan(BACK_WITHIN)
    await worksAsBefore(pair, cookie)
  }, 30_000)
})

/** As in managed Redis: one address that moves to another server. */
describe('a failover behind one address', () => {
  const begin = async () => {
    const old = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] })
    undo.push(() => old.stop())
    const next = await startRedis({ args: ['--replicaof', '127.0.0.1', String(old.port)] })
    undo.push(() => next.stop())
    const board = await startSwitchboard(old.port)
    undo.push(() => board.stop())
    const [oldClient, nextClient] = [old, next].map(({ url }) => new Redis(url))
    undo.push(() => {
      oldClient!.disconnect()
      nextClient!.disconnect()
    })
    await until(async () => (await nextClient!.info('replication')).includes('link_status:up'), 10_000)
    return { old, next, board, oldClient: oldClient!, nextClient: nextClient! }
  }

  it('moves a client created by the package off a server that has become read-only', async () => {
    const { old, next, board, oldClient, nextClient } = await begin()
    const pair = await startPair({ redis: () => board.url })
    const cookie = await logIn(pair.first)
    await replicated(oldClient)
    await nextClient.replicaof('NO', 'ONE')
    await oldClient.replicaof('127.0.0.1', next.port)
    board.lead(next.port)
    // Reads still work there. The first write gets READONLY and is retried on the new master.
    await get(pair.first, '/me', cookie).expect(200)
    const down = performance.now()
    await logIn(pair.first)
    told('READONLY at a login', performance.now() - down)
    pair.expireTokens()
    await get(pair.second, '/token', cookie).expect(200)
    expect(pair.refreshes()).toBe(1)
    expect(performance.now() - down).toBeLessThan(BACK_WITHIN)
    expect(old.port).not.toBe(next.port)
    await worksAsBefore(pair, cookie)
  }, 30_000)

  it('causes one refresh if a script hits the read-only server', async () => {
    const { next, board, oldClient, nextClient } = await begin()
    const pair = await startPair({ redis: () => board.url })
    const cookie = await logIn(pair.first)
    await replicated(oldClient)
    pair.expireTokens()
    const gate = pair.emulator.hold({ grantType: 'refresh_token', after: true })
    const held = get(pair.first, '/token', cookie).then((answer) => answer)
    await gate.arrived
    await nextClient.replicaof('NO', 'ONE')
    await oldClient.replicaof('127.0.0.1', next.port)
    board.lead(next.port)
    gate.release()
    const answer = await held
    expect(answer.status).toBe(200)
    await until(async () => (await get(pair.second, '/token', cookie)).body.accessToken === answer.body.accessToken)
    expect(pair.refreshes()).toBe(1)
  }, 30_000)

  it('moves it off a machine that has disappeared', async () => {
    const { next, board, oldClient, nextClient } = await begin()
    const pair = await startPair({ redis: () => board.url })
    const cookie = await logIn(pair.first)
    await replicated(oldClient)
    await nextClient.replicaof('NO', 'ONE')
    board.lead(next.port)
    const down = performance.now()
    board.silence()
    const took = await firstSuccess(pair, cookie, down)
    told('a silent connection', took)
    expect(took).toBeLessThan(BACK_WITHIN)
    await worksAsBefore(pair, cookie)
  }, 30_000)
})

/** WAIT covers the writes of its own connection, so it needs one after all the others. */
async function replicated(master: Redis): Promise<void> {
  await master.set('written', 'last')
  expect(await master.wait(1, 5000)).toBe(1)
}

/** Milliseconds until both instances read and write again. Until then, all responses are 503. */
async function firstSuccess({ first, second, expireTokens }: Pair, cookie: string, since: number): Promise<number> {
  expireTokens()
  const successOf = async (app: typeof first) => {
    for (;;) {
      const answer = await get(app, '/token', cookie)
      if (answer.status === 200) return
      expect([answer.status, answer.body.error]).toEqual([503, 'session_unavailable'])
      if (performance.now() - since > 2 * BACK_WITHIN) return
      await wait(50)
    }
  }
  await Promise.all([successOf(first), successOf(second)])
  return performance.now() - since
}

async function worksAsBefore({ first, second, emulator }: Pair, cookie: string): Promise<void> {
  const other = await logIn(second)
  await get(first, '/me', other).expect(200)
  expect((await get(first, '/auth/sessions', cookie).expect(200)).body.sessions.length).toBeGreaterThanOrEqual(2)
  await post(first, '/auth/logout', cookie).expect(200)
  await get(second, '/me', cookie).expect(401)
  await post(first, '/auth/logout', other).expect(200)
  expect(emulator.requestsTo('/oauth/token').length).toBeGreaterThan(0)
}

function told(what: string, ms: number): void {
  process.stderr.write(`fail-over: ${what}: ${Math.round(ms)} ms\n`)
}
