import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Cluster } from 'ioredis'
import { Cluster as Cluster6 } from 'ioredis6'
import { CREATE, ENLIST } from '../../lib/store/redis-scripts.ts'
import { onScript } from '../promises/support/on-script.ts'
import { gate, until } from '../promises/support/site.ts'
import { ada } from '../support/app.ts'
import { get, logIn, post, sidOf, startPair } from './pair.ts'
import { type RedisCluster, startCluster } from './redis-cluster.ts'
import { itKeepsSessions } from './session-suite.ts'

let cluster: RedisCluster
const opened: { disconnect(): void }[] = []

beforeAll(async () => {
  cluster = await startCluster(3)
}, 30_000)

afterAll(() => cluster.stop())

afterEach(() => {
  for (const client of opened.splice(0)) client.disconnect()
})

const clientOf = (Client: typeof Cluster) => () => {
  const client = new Client(cluster.nodes, { redisOptions: { commandTimeout: 1000, maxRetriesPerRequest: 1 } })
  opened.push(client)
  return client
}

const five = clientOf(Cluster)

describe.each([
  ['ioredis 5', five],
  ['ioredis 6', clientOf(Cluster6 as unknown as typeof Cluster)],
])('sessions in a Redis Cluster of three nodes, through %s', (_name, redis) => {
  itKeepsSessions({ redis, masters: () => cluster.direct })
})

describe('a Redis Cluster of three nodes', () => {
  it('stores sessions on every node', async () => {
    const { first, prefix } = await startPair({ redis: five })
    const nodesInUse = async () => {
      const keys = await Promise.all(cluster.direct.map((node) => node.keys(`${prefix}*:s:*`)))
      return keys.filter((found) => found.length > 0).length
    }
    // Session ids are random: the chance that 60 of them miss a node is 1 in 10^10.
    for (let turn = 0; turn < 60 && (await nodesInUse()) < 3; turn++) await logIn(first)
    expect(await nodesInUse()).toBe(3)
  })

  it('is ready once every node answers and stays open after auth.close()', async () => {
    const client = five()
    const { first } = await startPair({ redis: () => client })
    await first.auth.ready()
    await first.auth.close()
    expect(await client.ping()).toBe('PONG')
  })

  it.each([
    ['stored', CREATE],
    ['listed', ENLIST],
  ])('promise 3: a login that revokeAll overtakes right before it is %s leaves nothing', async (_name, script) => {
    const [arrived, released] = [gate(), gate()]
    const slow = onScript(five(), script, async ({ run }) => {
      arrived.open()
      await released.opened
      return run()
    })
    const clients = [slow, five()]
    const timeouts = { auth0: 5000, redis: 5000 }
    const { first, second, emulator } = await startPair({ redis: () => clients.shift()!, options: { timeouts } })
    const { sub } = emulator.users.get(ada.email)!
    const login = first.login({ email: ada.email, password: ada.password, remember_me: true })
    const answer = login.then(({ status, headers }) => ({ status, cookie: headers['set-cookie'] as unknown }))
    await arrived.opened

    await second.auth.sessions.revokeAll(sub)
    released.open()

    expect(await answer).toEqual({ status: 401, cookie: undefined })
    await until(async () => !(await keysOnAllNodes(first.prefix)).some((key) => key.includes(':s:')))
    await until(() => emulator.refreshTokens.families() === 0)
    expect(await second.auth.sessions.list(sub)).toEqual([])
  })

  async function keysOnAllNodes(prefix: string): Promise<string[]> {
    return (await Promise.all(cluster.direct.map((node) => node.keys(`${prefix}*`)))).flat()
  }

  it("finds a session and its user's list during and after a slot migration", async () => {
    const { first, second } = await startPair({ redis: five })
    const cookie = await logIn(first)
    await get(second, '/me', cookie).expect(200)
    for (const part of [`:s:${sidOf(cookie)}`, ':u:']) {
      const finish = await moveSlotOf((key) => key.startsWith(first.prefix) && key.includes(part))
      await get(first, '/me', cookie).expect(200)
      await get(second, '/token', cookie).expect(200)
      expect((await get(second, '/auth/sessions', cookie).expect(200)).body.sessions).toHaveLength(1)
      await finish()
    }
    await post(second, '/note', cookie).expect(200)
    await get(first, '/token', cookie).expect(200)
    await post(second, '/auth/logout', cookie).expect(200)
    await get(first, '/me', cookie).expect(401)
  })
})

/** Moves the keys of a slot to the next node and returns a function that announces it to all nodes. */
async function moveSlotOf(isWanted: (key: string) => boolean): Promise<() => Promise<unknown>> {
  const { direct, nodes } = cluster
  const keys = await Promise.all(direct.map((node) => node.keys('*')))
  const from = keys.findIndex((found) => found.some(isWanted))
  const to = (from + 1) % direct.length
  const slot = await direct[from]!.cluster('KEYSLOT', keys[from]!.find(isWanted)!)
  const [fromId, toId] = [await direct[from]!.cluster('MYID'), await direct[to]!.cluster('MYID')]
  await direct[to]!.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId)
  await direct[from]!.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId)
  const moving = await direct[from]!.cluster('GETKEYSINSLOT', slot, 100)
  await direct[from]!.call('MIGRATE', '127.0.0.1', nodes[to]!.port, '', 0, 1000, 'KEYS', ...moving)
  return () => Promise.all([to, from].map((place) => direct[place]!.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId)))
}
