import { once } from 'node:events'
import { endsWithin } from '../deadline.js'
import { MARK, type Entries, type Fields, type Found, type Records, type Values, type Visited } from './records.js'
import type { WriteResult } from './records.js'
import type { OpenedRedis, RedisClient } from './redis-client.js'
import { runScript } from './redis-script.js'
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
  const run: Run = (script, key, args) =>
    guarded(() => runScript(client, script, { key, args }), isQuestion(script) ? 'question' : 'news')
  const time = () => (testClock ? String(testClock()) : '')
  const visit = async (key: string, names: readonly string[], extend = true) =>
    visited(await run(scripts.VISIT, key, [time(), extend ? '1' : '0', ...names]))

  return {
    // Commands to different nodes of a Cluster can take effect in any order.
    ordered: !client.isCluster,
    now: () => run(scripts.TIME, `${prefix}clock`, []).then((reply) => testClock?.() ?? timeOf(reply)),
    create: async (key, fields, { idle, absolute }) => {
      const args = [time(), String(idle), String(absolute ?? ''), ...flat(fields)]
      // Not EVALSHA: if the script had to be sent again, it would run after later commands.
      await guarded(() => client.eval(scripts.CREATE, 1, key, ...args), 'news')
    },
    read: (key, names) =>
      testClock ? visit(key, names, false) : guarded(() => client.hmgetBuffer(key, 's', ...names)).then(found),
    visit: (key, names) => visit(key, names),
    write: async (key, fields, { field, head } = EXISTS) => {
      const reply = await run(scripts.WRITE, key, [field, head, ...flat(fields)])
      return reply === null ? 'gone' : ((reply as Buffer).toString() as WriteResult)
    },
    end: async (key, names, { field, head } = EXISTS) => {
      const reply = await run(scripts.END, key, [field, head, ...names])
      return reply === null ? undefined : Array.isArray(reply) ? valuesOf(reply as Reply) : 'conflict'
    },

    enlist: async (key, { name, value, since, ttl, most }) => {
      const reply = await run(scripts.ENLIST, key, [name, value, ...[since, ttl, most].map(String)])
      return reply === null ? undefined : unmarked(pairs((reply as Buffer[]).map(String)))
    },
    listed: async (key) => unmarked(await guarded(() => client.hgetall(key))),
    delist: async (key, names) => {
      if (names.length) await guarded(() => client.hdel(key, ...names), 'news')
    },
    mark: async (key, since, ttl) => {
      await run(scripts.MARK, key, [String(since), String(ttl)])
    },

    ...locks(client, guarded, run),
    close: () => (owned ? quit(client) : Promise.resolve()),
  }
}

/** Writes are always sent, even while the store seems to be down. */
const isQuestion = (script: string) => script === scripts.VISIT || script === scripts.TIME

type Run = (script: string, key: string, args: (string | Buffer)[]) => Promise<unknown>

function locks(client: RedisClient, guarded: Guarded, run: Run): Pick<Records, 'claim' | 'renew' | 'release'> {
  return {
    claim: async (key, value, ttl) => (await guarded(() => client.set(key, value, 'PX', ttl, 'NX'))) !== null,
    renew: async (key, value, ttl) => (await run(scripts.RENEW, key, [value, String(ttl)])) === 1,
    release: async (key, value) => {
      await run(scripts.RELEASE, key, [value])
    },
  }
}

type Reply = (Buffer | null)[]

/** Every session's record has a last-seen time. */
const EXISTS = { field: 's', head: '' }

const flat = (fields: Fields) => Object.entries(fields).flat()

function pairs(reply: string[]): Entries {
  const entries = reply.flatMap((name, at) => (at % 2 === 0 ? [[name, reply[at + 1] ?? '']] : []))
  return Object.fromEntries(entries) as Entries
}

const unmarked = ({ [MARK]: _mark, ...entries }: Entries) => entries

const valuesOf = (reply: Reply): Values => reply.map((value) => value ?? undefined)

function found([seen, ...values]: Reply): Found | undefined {
  return seen ? { seen: Number(seen.toString()), values: valuesOf(values) } : undefined
}

function visited(reply: unknown): Visited | undefined {
  if (reply === null) return undefined
  const [extended, rest, seen, values] = reply as [number, number, Buffer, Reply]
  return { extended: extended === 1, rest, seen: Number(seen.toString()), values: valuesOf(values) }
}

function timeOf(reply: unknown): number {
  const [seconds = 0, microseconds = 0] = String(reply).split(',').map(Number)
  return seconds * 1000 + microseconds / 1000
}

/** Milliseconds. */
const QUIT_WITHIN = 500

/** Sends QUIT, or disconnects if there is no reply in time. Resolves when the socket is closed. */
async function quit(client: RedisClient): Promise<void> {
  if (client.status !== 'ready') {
    client.disconnect()
    return
  }
  const ended = once(client, 'end').catch(() => undefined)
  await endsWithin(
    QUIT_WITHIN,
    client.quit().catch(() => undefined),
  )
  client.disconnect()
  await ended
}
