import type { Child } from '../harness/child.ts'
import { enterAs, type Entrant, launch, logIn } from '../harness/enter.ts'
import { counted, median, spread, table, whole } from '../harness/markdown.ts'
import { portOf, runLoad } from '../harness/measure.ts'
import { callsOf, callsPerRequest, total } from '../harness/redis-stats.ts'
import { subOf } from '../processes/tokens.ts'
import { getRequest, OURS_CALLS, type Part, type ScaleContext } from './context.ts'

const USER = 1

interface Reading {
  /** Milliseconds per getAccessToken() call. */
  p50: number
  p99: number
  /** Milliseconds and Redis commands per revokeAll() call. */
  revokeAll: number
  commands: number
}

/** How costs depend on a user's number of sessions. */
export async function ofOneUser(context: ScaleContext): Promise<Part> {
  const { ofUser, rounds } = context.flags
  const child = await launch(context.world, OURS_CALLS)
  const readings = new Map<number, Reading[]>(ofUser.map((count) => [count, []]))
  for (let round = 0; round < rounds; round++) {
    for (const count of ofUser) readings.get(count)?.push(await takeReading(context, child, count))
  }
  await child.stop()
  return { title: 'Sessions of one user', text: `${tableOf(readings)}\n\n${NOTES}` }
}

const NOTES = `\
getAccessToken() with a token that is still good, timed in the process, one request at a time. revokeAll(sub) is one
call; the refresh tokens are revoked at Auth0 in the background, which is not in the time.`

async function takeReading({ world, flags }: ScaleContext, child: Child, count: number): Promise<Reading> {
  await world.redis.flushall()
  const entrant = await enterAs(child, world, { contender: OURS_CALLS, user: USER })
  await logInAgain({ world, flags }, entrant, count - 1)
  await askForTokens({ world, flags }, entrant)
  await child.ask('takeTimes')
  await askForTokens({ world, flags }, entrant)
  const times = (await child.ask<number[]>('takeTimes')).sort((a, b) => a - b)
  const before = await callsOf(world.redis)
  const { revoked, milliseconds } = await child.ask<{ revoked: number; milliseconds: number }>('revokeAll', {
    sub: subOf(USER),
  })
  if (revoked !== count) throw new Error(`revokeAll ended ${revoked} sessions in place of ${count}`)
  const commands = total(callsPerRequest(before, await callsOf(world.redis), 1))
  return { p50: median(times), p99: times[Math.floor(times.length * 0.99)] ?? NaN, revokeAll: milliseconds, commands }
}

/** One after another, because equal logins at once count as a double click and share a session. */
async function logInAgain({ world }: ScaleContext, { child }: Entrant, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await logIn(world, { contender: OURS_CALLS, child, user: USER })
}

async function askForTokens({ world, flags }: ScaleContext, { child, cookie }: Entrant): Promise<void> {
  const requests = [getRequest('/token', cookie)]
  await runLoad(world, 'ours', { ports: [portOf(child)], connections: 1, seconds: flags.seconds / 2, requests })
}

function tableOf(readings: ReadonlyMap<number, readonly Reading[]>): string {
  const head = [
    'sessions of the user',
    'getAccessToken p50 ms (min to max)',
    'p99 ms',
    'revokeAll ms (min to max)',
    'revokeAll ms/session',
    'Redis commands of revokeAll',
  ]
  const rows = [...readings].map(([count, taken]) => {
    const revokeAll = taken.map((reading) => reading.revokeAll)
    const p50 = taken.map((reading) => reading.p50)
    return [
      counted(count, 'session'),
      spread(p50, 2),
      median(taken.map((reading) => reading.p99)).toFixed(2),
      spread(revokeAll, 1),
      (median(revokeAll) / count).toFixed(3),
      whole(median(taken.map(({ commands }) => commands))),
    ]
  })
  return table(head, rows)
}
