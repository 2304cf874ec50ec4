import { randomUUID } from 'node:crypto'
import { within } from '../../deadline.js'
import { SessionUnavailableError } from '../../errors.js'
import type { Env } from '../../options/environment.js'
import type { Config } from '../../options/options.js'
import { openRedis, type OpenedRedis, type RedisClient } from '../../store/redis-client.js'
import { openStore } from '../../store/store.js'
import { fault, note, ok, skipped, type Finding } from './finding.js'

const REDIS = 'option redis (REDIS_URL)'
const CONNECTION = { check: 'Redis', setting: REDIS }
const COMMANDS = { check: 'Redis commands', setting: `the ACL of the Redis user in the ${REDIS}` }
const VERSION = { check: 'Redis version', setting: REDIS }
const ROLE = { check: 'Redis role', setting: REDIS }
const EVICTION = { check: 'Redis eviction', setting: 'maxmemory-policy in the configuration of Redis' }
const LATENCY = { check: 'Redis latency', setting: 'option timeouts.redis' }

/** Checks connection, version, role, eviction policy, latency, and commands. Leaves no keys behind. */
export async function checkRedis(config: Config, env: Env): Promise<Finding[]> {
  if (config.redis === undefined) return [checkMemory(env)]
  const opened = openRedis(config.redis, config)
  // The checks below report connection errors.
  const ignore = () => undefined
  opened.client.on('error', ignore)
  try {
    return await examine(opened, config)
  } finally {
    opened.client.disconnect()
    opened.client.off('error', ignore)
  }
}

function checkMemory({ WEB_CONCURRENCY, NODE_APP_INSTANCE }: Env): Finding {
  const isOneOfMany = Number(WEB_CONCURRENCY) > 1 || NODE_APP_INSTANCE !== undefined
  if (isOneOfMany) {
    return fault(
      CONNECTION,
      'not set, but several workers run here, each with its own sessions: set REDIS_URL, so that they share sessions',
    )
  }
  return note(
    CONNECTION,
    'not set, so sessions are kept in memory, which is fine for a single process in development: set REDIS_URL for production',
  )
}

async function examine({ client, describe }: OpenedRedis, config: Config): Promise<Finding[]> {
  const deadline = config.timeouts.redis
  try {
    await within(3 * deadline, client.ping())
  } catch (err) {
    return [
      fault(CONNECTION, describe(err)),
      skipped(COMMANDS, 'not checked, because Redis does not answer: fix that first'),
    ]
  }
  const server = readInfo(await infoOf(client, deadline))
  const isReplica = server.some(({ check, status }) => check === ROLE.check && status === 'fault')
  return [
    ok(CONNECTION, 'answers'),
    ...server,
    await checkLatency(client, deadline),
    isReplica
      ? skipped(COMMANDS, 'not checked, because a replica refuses to write: fix that first')
      : await checkCommands(client, config),
  ]
}

/** Undefined if the Redis user may not run INFO. */
async function infoOf(client: RedisClient, deadline: number): Promise<Map<string, string> | undefined> {
  try {
    const text = await within(deadline, client.info())
    const lines = text.split(/\r?\n/).filter((line) => line.includes(':'))
    return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
  } catch {
    return undefined
  }
}

const OLDEST_MAJOR = 6

function readInfo(info: Map<string, string> | undefined): Finding[] {
  if (!info)
    return [VERSION, EVICTION].map((subject) =>
      skipped(
        subject,
        'not checked, because the Redis user may not run INFO: allow it in the ACL, or check this yourself',
      ),
    )
  const name = info.has('valkey_version') ? 'Valkey' : 'Redis'
  const version = info.get('valkey_version') ?? info.get('redis_version') ?? '0'
  return [
    Number.parseInt(version) >= OLDEST_MAJOR
      ? ok(VERSION, `${name} ${version}`)
      : fault(VERSION, `${name} ${version}: Redis 6.0 or later is required`),
    info.get('role') === 'slave'
      ? fault(ROLE, 'this is a replica, but sessions need the primary: point the redis option to the primary')
      : ok(ROLE, 'primary'),
    evictionOf(info.get('maxmemory_policy') ?? 'noeviction'),
  ]
}

function evictionOf(policy: string): Finding {
  if (policy === 'noeviction') return ok(EVICTION, policy)
  return fault(EVICTION, `${policy} drops live sessions when memory runs out: set maxmemory-policy to noeviction`)
}

const PINGS = 5
/** How many median calls must fit into the deadline. */
const ROOM = 5

async function checkLatency(client: RedisClient, deadline: number): Promise<Finding> {
  const times: number[] = []
  for (let ping = 0; ping < PINGS; ping++) {
    const started = performance.now()
    await within(3 * deadline, client.ping()).catch(() => undefined)
    times.push(performance.now() - started)
  }
  const median = times.sort((a, b) => a - b)[Math.floor(PINGS / 2)] ?? 0
  const text = `${median.toFixed(1)} ms, with a limit of ${String(deadline)} ms per call`
  if (median * ROOM <= deadline) return ok(LATENCY, text)
  return fault(LATENCY, `${text}, which leaves no headroom: use a Redis server nearby, or raise timeouts.redis`)
}

/** Runs all commands that a session needs, on its own keys. */
async function checkCommands(client: RedisClient, config: Config): Promise<Finding> {
  const prefix = `${config.session.prefix}doctor:${randomUUID()}:`
  const { records, close } = openStore({ ...config, logger: undefined, redis: client }, prefix, () => undefined)
  const [session, list, lock] = ['session', 'list', 'lock'].map((name) => `${prefix}${name}`) as [
    string,
    string,
    string,
  ]
  try {
    const since = await records.now()
    await records.create(session, { s: 'doctor' }, { idle: 10_000, absolute: 10_000 })
    await records.visit(session, ['s'])
    await records.read(session, ['s'])
    await records.write(session, { d: '{}' })
    await records.end(session, ['s'])
    await records.enlist(list, { name: 'doctor', value: '1', since, ttl: 10_000 })
    await records.listed(list)
    await records.delist(list, ['doctor'])
    await records.claim(lock, 'doctor', 10_000)
    await records.renew(lock, 'doctor', 10_000)
    await records.renew(lock, 'doctor', 0)
    return ok(COMMANDS, 'all commands that sessions need are allowed')
  } catch (err) {
    if (!(err instanceof SessionUnavailableError)) throw err
    return fault(COMMANDS, err.detail)
  } finally {
    await close()
  }
}
