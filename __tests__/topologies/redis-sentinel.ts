import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../support/ports.ts'
import { launchRedis, type RedisServer, requireBinary, startRedis } from '../support/redis-server.ts'

const READY_WITHIN = 15_000
const NAME = 'tests'

/** A master, its replica, and a sentinel that monitors them, all on loopback ports. */
export interface SentinelSet {
  /** Master name that clients request from the sentinel. */
  name: string
  sentinels: { host: string; port: number }[]
  master: RedisServer
  replica: RedisServer
  sentinel: Redis
  /** The master's port, according to the sentinel. */
  masterPort(): Promise<number>
  stop: () => Promise<void>
}

export async function startSentinelSet(binary = requireBinary()): Promise<SentinelSet> {
  const undo: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const master = await startRedis({ binary, args: ['--repl-diskless-sync-delay', '0'] })
    undo.push(() => master.stop())
    const replica = await startRedis({
      binary,
      args: ['--replicaof', '127.0.0.1', String(master.port), '--repl-diskless-sync-delay', '0'],
    })
    undo.push(() => replica.stop())
    // Before the sentinel queries it, because it would not retry for ten seconds.
    await untilReplicates(replica)
    const { port, end } = await startSentinel(binary, master.port)
    undo.push(end)
    const sentinel = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: 1 })
    undo.push(async () => sentinel.disconnect())
    await untilWatched(sentinel)
    return {
      ...{ name: NAME, sentinels: [{ host: '127.0.0.1', port }], master, replica, sentinel, stop },
      masterPort: async () => {
        const [, found] = (await sentinel.call('SENTINEL', 'get-master-addr-by-name', NAME)) as [string, string]
        return Number(found)
      },
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

async function untilReplicates({ url }: RedisServer): Promise<void> {
  const client = new Redis(url)
  try {
    await until('the replica is connected', async () => (await client.info('replication')).includes('link_status:up'))
  } finally {
    client.disconnect()
  }
}

/** The sentinel knows the replica and has seen it in sync. */
async function untilWatched(sentinel: Redis): Promise<void> {
  await until('the sentinel knows the replica', async () => {
    const replicas = (await sentinel.call('SENTINEL', 'replicas', NAME)) as string[][]
    return replicas.some((fields) => {
      const place = fields.indexOf('master-link-status')
      return place !== -1 && fields[place + 1] === 'ok'
    })
  })
}

/** Sentinel rewrites its configuration, so it needs a file. `redis-server --sentinel` works on every system. */
async function startSentinel(binary: string, masterPort: number): Promise<{ port: number; end: () => Promise<void> }> {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'express-auth0-ropg-sentinel-'))
  const file = join(dir, 'sentinel.conf')
  const lines = [
    ...[`port ${port}`, 'bind 127.0.0.1', `dir ${dir}`, 'logfile redis.log'],
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 1`,
    ...[`down-after-milliseconds ${NAME} 500`, `failover-timeout ${NAME} 5000`].map((line) => `sentinel ${line}`),
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  const running = await launchRedis({ binary, dir, args: [file, '--sentinel'], ready: 'Sentinel ID is' })
  const end = async () => {
    await running.end()
    await rm(dir, { recursive: true, force: true })
  }
  return { port, end }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + READY_WITHIN
  while (Date.now() < deadline) {
    if (await isSo()) return
    await wait(30)
  }
  throw new Error(`in vain waited until ${what}`)
}
