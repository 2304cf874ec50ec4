import { launch } from '../harness/enter.ts'
import { median, spread, table, whole } from '../harness/markdown.ts'
import { measure, type Measured, portOf, runLoad } from '../harness/measure.ts'
import { total } from '../harness/redis-stats.ts'
import { getRequest, OURS, type Part, type ScaleContext } from './context.ts'
import { REAL_SESSIONS, StoredSessions } from './stored-sessions.ts'

const CONNECTIONS = 50
/** Minimum number of requests before the first measurement. */
const LEAST_WARM_UP = 10_000
/** With fewer sessions, used_memory mostly measures other things. */
const ENOUGH_TO_TELL = 1000

interface Reading extends Measured {
  /** Redis memory per session, in bytes, everything included. */
  bytes: number
}

/** Authenticated GETs with a growing number of stored sessions. */
export async function manyStored(context: ScaleContext): Promise<Part> {
  const { stored, rounds } = context.flags
  const child = await launch(context.world, OURS)
  const readings = new Map<number, Reading[]>(stored.map((count) => [count, []]))
  for (let round = 0; round < rounds; round++) await takeRound(context, child, readings)
  await child.stop()
  await context.world.redis.flushall()
  return { title: 'Sessions stored in the one Redis', text: `${tableOf(readings)}\n\n${NOTES}` }
}

const NOTES = `\
One process of ours; in each round the sessions grow from the smallest number to the largest, and all are deleted before
the next, so a machine that gets slower meanwhile shows as a spread within each row. The first ${whole(REAL_SESSIONS)}
sessions are real logins of different users, and the requests come with their cookies in turn; the others are copies of
the keys of one of them. Every session has been asked for once before the measurement, so none has to be extended in it.
Redis memory is used_memory divided by the number of sessions.`

async function takeRound(
  { world, flags }: ScaleContext,
  child: Awaited<ReturnType<typeof launch>>,
  readings: Map<number, Reading[]>,
): Promise<void> {
  await world.redis.flushall()
  const empty = await usedMemory(world.redis)
  const sessions = await StoredSessions.begin(world, child)
  for (const count of flags.stored) {
    await sessions.fillTo(count)
    const bytes = ((await usedMemory(world.redis)) - empty) / count
    const requests = sessions.cookies.map((cookie) => getRequest('/me', cookie))
    const load = { connections: CONNECTIONS, requests }
    await runLoad(world, 'ours', { ...load, ports: [portOf(child)], total: Math.max(LEAST_WARM_UP, requests.length) })
    const measured = await measure(world, sessions.entrant, { ...load, seconds: flags.seconds })
    readings.get(count)?.push({ ...measured, bytes })
  }
}

async function usedMemory(redis: ScaleContext['world']['redis']): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}

function tableOf(readings: ReadonlyMap<number, readonly Reading[]>): string {
  const head = [
    'sessions',
    'req/s (min to max)',
    'p50 ms',
    'p99 ms',
    'CPU µs/req',
    'Redis commands/req',
    'Redis memory/session',
  ]
  const rows = [...readings].map(([count, taken]) => [
    whole(count),
    spread(
      taken.map(({ perSecond }) => perSecond),
      0,
    ),
    (median(taken.map(({ p50 }) => p50)) / 1000).toFixed(2),
    (median(taken.map(({ p99 }) => p99)) / 1000).toFixed(2),
    whole(median(taken.map(({ cpu }) => cpu))),
    median(taken.map(({ calls }) => total(calls))).toFixed(2),
    count < ENOUGH_TO_TELL ? '-' : whole(median(taken.map(({ bytes }) => bytes))),
  ])
  return table(head, rows)
}
