import { startRedis } from '../__tests__/support/redis-server.ts'
import { startCluster } from '../__tests__/topologies/redis-cluster.ts'
import { startSentinelSet } from '../__tests__/topologies/redis-sentinel.ts'
import { Redis } from 'ioredis'

export interface RedisUnderTest {
  server: string
  topology: 'single' | 'Sentinel' | 'Cluster'
  /** ioredis options, or the nodes of a Cluster. */
  redis: object
  stop(): Promise<void>
}

type Start = () => Promise<RedisUnderTest>

const ACCOUNT = { username: 'matrix', password: 'matrix' }

/** The server on the PATH in every topology, and again with only the commands of Redis 6.0. */
export async function redisServers(): Promise<Start[]> {
  const server = await versionOnPath()
  const newer = await newerCommands()
  const plain = [startSingle, startSentinel, startClusterOf].map((start) => () => start(server))
  const restricted = [startSingle, startSentinel, startClusterOf].map((start) => async () => {
    const started = await start(`${server}, commands of 6.0`)
    await forbid(started, newer)
    return { ...started, redis: withAccount(started.redis) }
  })
  return [...plain, ...restricted]
}

interface Started extends RedisUnderTest {
  /** Every server that clients send commands to. */
  urls: string[]
}

async function startSingle(server: string): Promise<Started> {
  const running = await startRedis()
  const { url, port } = running
  return { server, topology: 'single', redis: { host: '127.0.0.1', port }, urls: [url], stop: () => running.stop() }
}

async function startSentinel(server: string): Promise<Started> {
  const { sentinels, name, master, replica, stop } = await startSentinelSet()
  return { server, topology: 'Sentinel', redis: { sentinels, name }, urls: [master.url, replica.url], stop }
}

async function startClusterOf(server: string): Promise<Started> {
  const cluster = await startCluster(3)
  const { nodes, servers } = cluster
  return {
    server,
    topology: 'Cluster',
    redis: { nodes },
    urls: servers.map(({ url }) => url),
    stop: () => cluster.stop(),
  }
}

/** A user who may not call newer commands: scripts run with the rights of the user, too. */
async function forbid({ urls }: Started, commands: string[]): Promise<void> {
  for (const url of urls) {
    const client = new Redis(url)
    const rights = ['reset', 'on', `>${ACCOUNT.password}`, '~*', '&*', '+@all', ...commands.map((name) => `-${name}`)]
    await client.call('ACL', 'SETUSER', ACCOUNT.username, ...rights)
    client.disconnect()
  }
}

function withAccount(redis: object): object {
  return { ...redis, ...ACCOUNT }
}

async function onServer<Answer>(ask: (client: Redis) => Promise<Answer>): Promise<Answer> {
  const server = await startRedis()
  const client = new Redis(server.url)
  try {
    return await ask(client)
  } finally {
    client.disconnect()
    await server.stop()
  }
}

function versionOnPath(): Promise<string> {
  return onServer(async (client) => {
    const info = await client.info('server')
    const valkey = /valkey_version:(\S+)/.exec(info)?.[1]
    return valkey === undefined ? `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? '?'}` : `Valkey ${valkey}`
  })
}

/** Commands that came after Redis 6.0, as the server itself says. */
function newerCommands(): Promise<string[]> {
  return onServer(async (client) => {
    const docs = (await client.call('COMMAND', 'DOCS')) as (string | unknown[])[]
    return docs.flatMap((name, place) => {
      const facts = docs[place + 1]
      if (typeof name !== 'string' || !Array.isArray(facts)) return []
      return isAfter60(String(facts[facts.indexOf('since') + 1])) ? [name] : []
    })
  })
}

function isAfter60(since: string): boolean {
  const [major = 0, minor = 0] = since.split('.').map(Number)
  return major > 6 || (major === 6 && minor > 0)
}
