import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { EXISTS, MARK, type Fields, type Found, type Records, type Refused, type WriteResult } from './records.js'
import type { OpenedRedis, RedisClient } from './redis-client.js'
import * as scripts from './redis-scripts.js'
import type { Guarded } from './store-health.js'

export interface RedisRecordsParts extends Omit<OpenedRedis, 'describe'> {
  guarded: Guarded
  /** Prefix of every key. */
  prefix: string
  /** In milliseconds. Replaces the clock of Redis. */
  testClock: (() => number) | undefined
}

/** Records in Redis 6.0 or later: one server, Sentinel, or Cluster. */
export function createRedisRecords({ client, owned, guarded, prefix, testClock }: RedisRecordsParts): Records {
  const run: Run = (script, key, ...args) => {
    // Writes are always sent, even while the store seems to be down.
    const isQuestion = script === scripts.VISIT || script === scripts.TIME
    return guarded(() => runScript(client, script, [key, ...args]), isQuestion ? 'question' : 'news')
  }
  const time = () => (testClock ? testClock() : '')
  const visit = async (key: string, names: readonly string[], extend: '0' | '1') => {
    const reply = (await run(scripts.VISIT, key, time(), extend, ...names)) as VisitReply | null
    return reply
      ? { extended: Number(reply[0]) === 1, rest: Number(reply[1]), seen: Number(reply[2]), values: known(reply[3]) }
      : undefined
  }

  return {
    ordered: !client.isCluster,
    now: async () => {
      const microseconds = Number(await run(scripts.TIME, `${prefix}clock`))
      return testClock?.() ?? microseconds / 1000
    },
    create: async (key, fields, { idle, absolute }) => {
      // Not EVALSHA: if the script had to be sent again, it would run after later commands.
      const args = [key, time(), idle, absolute ?? FOREVER, ...flat(fields)]
      await guarded(() => client.eval(scripts.CREATE, 1, ...args), 'news')
    },
    read: async (key, names) =>
      testClock ? visit(key, names, '0') : found(await guarded(() => client.hmgetBuffer(key, 's', ...names))),
    visit: (key, names) => visit(key, names, '1'),
    write: async (key, fields, { field, head } = EXISTS) => {
      const reply = await run(scripts.WRITE, key, field, head, ...flat(fields))
      return (reply as Buffer).toString() as WriteResult
    },
    end: async (key, names, { field, head } = EXISTS) => {
      const reply = (await run(scripts.END, key, field, head, ...names)) as Reply | Buffer
      return Array.isArray(reply) ? known(reply) : (reply.toString() as Refused)
    },

    ...listsAndLocks(client, guarded, run),
    close: () => (owned ? disconnect(client) : Promise.resolve()),
  }
}

/** Milliseconds. An integer that Lua can add to a time. */
const FOREVER = 1e15

type ListsAndLocks = Pick<Records, 'enlist' | 'listed' | 'delist' | 'mark' | 'claim' | 'renew'>

function listsAndLocks(client: RedisClient, guarded: Guarded, run: Run): ListsAndLocks {
  return {
    enlist: async (key, { name, value, since, ttl }) => Number(await run(scripts.ENLIST, key, name, value, since, ttl)),
    listed: async (key) => {
      const { [MARK]: _mark, ...entries } = await guarded(() => client.hgetall(key))
      return entries
    },
    delist: async (key, names) => {
      if (names.length) await guarded(() => client.hdel(key, ...names), 'news')
    },
    mark: (key, since, ttl) => run(scripts.MARK, key, since, ttl).then(() => undefined),
    claim: async (key, value, ttl) => (await guarded(() => client.set(key, value, 'PX', ttl, 'NX'))) !== null,
    renew: async (key, value, ttl) => Number(await run(scripts.RENEW, key, value, ttl)) === 1,
  }
}

type Argument = string | number | Buffer
type Run = (script: string, key: string, ...args: Argument[]) => Promise<unknown>
type Reply = (Buffer | null)[]
/** Numbers are text with `stringNumbers`. */
type VisitReply = [extended: unknown, rest: unknown, seen: Buffer, values: Reply]

const known = (reply: Reply) => reply.map((value) => value ?? undefined)
const flat = (fields: Fields) => Object.entries(fields).flat()

function found([seen, ...values]: Reply): Found | undefined {
  return seen ? { seen: Number(seen), values: known(values) } : undefined
}

/** Script -> SHA-1. */
const names = new Map<string, string>()

/** Runs a Lua script on one key. Strings in its reply are buffers. Sends it again after a restart or failover. */
export async function runScript(client: RedisClient, script: string, keyAndArgs: Argument[]): Promise<unknown> {
  const name = names.get(script) ?? createHash('sha1').update(script).digest('hex')
  names.set(script, name)
  // Missing in the types of ioredis.
  const commands = client as unknown as Record<
    'evalshaBuffer' | 'evalBuffer',
    (...args: Argument[]) => Promise<unknown>
  >
  try {
    return await commands.evalshaBuffer(name, 1, ...keyAndArgs)
  } catch (err) {
    if (!String((err as { message?: unknown }).message).startsWith('NOSCRIPT')) throw err
    return commands.evalBuffer(script, 1, ...keyAndArgs)
  }
}

/** Resolves when the socket is closed, at the latest after ioredis's `disconnectTimeout`. */
async function disconnect(client: RedisClient): Promise<void> {
  const ended = client.status === 'ready' ? once(client, 'end') : undefined
  client.disconnect()
  await ended?.catch(() => undefined)
}
