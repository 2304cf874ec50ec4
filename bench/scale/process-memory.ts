import { launch } from '../harness/enter.ts'
import { table, whole } from '../harness/markdown.ts'
import { portOf, runLoad, type Usage } from '../harness/measure.ts'
import { getRequest, OURS, type Part, type ScaleContext } from './context.ts'
import { REAL_SESSIONS, StoredSessions } from './stored-sessions.ts'

const CONNECTIONS = 50
const MARKS = [0, 0.25, 0.5, 1]

/** Whether memory grows over many requests of many sessions. */
export async function processMemory({ world, flags }: ScaleContext): Promise<Part> {
  await world.redis.flushall()
  const requests = await requestsOfRealSessions(world)
  const child = await launch(world, OURS, { nodeOptions: ['--expose-gc'] })
  const rows: string[][] = []
  let sent = 0
  for (const mark of MARKS) {
    const total = Math.round(mark * flags.requests) - sent
    if (total > 0) await runLoad(world, 'ours', { ports: [portOf(child)], connections: CONNECTIONS, total, requests })
    sent += total
    rows.push([whole(sent), ...(await memoryCells(child))])
  }
  await child.stop()
  const head = ['requests', 'RSS MB', 'heap used MB', 'RSS MB after collection', 'heap used MB after collection']
  return { title: 'Memory of the process', text: `${table(head, rows)}\n\n${NOTES}` }
}

/** Another process logs in, so that logins do not affect the watched process. */
async function requestsOfRealSessions(world: ScaleContext['world']): Promise<string[]> {
  const child = await launch(world, OURS)
  const sessions = await StoredSessions.begin(world, child)
  await sessions.fillTo(REAL_SESSIONS)
  await child.stop()
  return sessions.cookies.map((cookie) => getRequest('/me', cookie))
}

const NOTES = `\
One process, ${CONNECTIONS} connections, the cookies of ${whole(REAL_SESSIONS)} sessions in turn, which another process
has logged in. Each row is read when the load has stopped, and once more after a full garbage collection. The first row is
before the first request, with cold code; whether memory is flat shows between the others.`

async function memoryCells(child: Awaited<ReturnType<typeof launch>>): Promise<string[]> {
  const cells: string[] = []
  for (const collect of [false, true]) {
    if (collect) await child.ask('collect')
    const { rss, heapUsed } = (await child.ask<Usage>('usage')).memory
    cells.push(...[rss, heapUsed].map((bytes) => (bytes / 2 ** 20).toFixed(1)))
  }
  return cells
}
