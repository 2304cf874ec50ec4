import { enterAs, launch } from '../harness/enter.ts'
import { median, spread, table, whole } from '../harness/markdown.ts'
import { measure, type Measured, warmUp } from '../harness/measure.ts'
import { total } from '../harness/redis-stats.ts'
import { getRequest, OURS, type Part, type ScaleContext } from './context.ts'
import { StoredSessions } from './stored-sessions.ts'

/** Different sessions that the load comes with. */
const COOKIES = 10_000
const CONNECTIONS = 50
/** With fewer sessions used_memory is that of everything else. */
const ENOUGH_TO_TELL = 1000

interface Reading extends Measured {
  /** Bytes of Redis' memory for one session, everything included. */
  bytes: number
}

/** Authenticated GETs while ever more sessions are stored. */
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
the next, so a machine that gets slower meanwhile shows as a spread within each row. The requests come with the cookies
of up to ${whole(COOKIES)} different sessions in turn. Redis memory is used_memory by the number of sessions.`

async function takeRound(
  { world, flags }: ScaleContext,
  child: Awaited<ReturnType<typeof launch>>,
  readings: Map<number, Reading[]>,
): Promise<void> {
  await world.redis.flushall()
  const empty = await usedMemory(world.redis)
  const entrant = await enterAs(child, world, { contender: OURS, user: 0 })
  const sessions = await StoredSessions.of(world.redis, entrant)
  for (const count of flags.stored) {
    await sessions.fillTo(count)
    const requests = (await sessions.cookies(COOKIES)).map((cookie) => getRequest('/me', cookie))
    const order = { connections: CONNECTIONS, seconds: flags.seconds, requests }
    const bytes = ((await usedMemory(world.redis)) - empty) / count
    await warmUp(world, entrant, { ...order, seconds: flags.seconds / 2 })
    readings.get(count)?.push({ ...(await measure(world, entrant, order)), bytes })
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
