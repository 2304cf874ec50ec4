import { cpus } from 'node:os'
import type { Child } from '../harness/child.ts'
import { enterAs, launch } from '../harness/enter.ts'
import { median, spread, table } from '../harness/markdown.ts'
import { portOf, runLoad } from '../harness/measure.ts'
import type { LoadReport } from '../processes/load.ts'
import { getRequest, OURS, type Part, type ScaleContext } from './context.ts'

const COUNTS = [1, 2, 4]
const CONNECTIONS = 48

/** Several processes on one Redis, each serving all sessions. */
export async function severalProcesses({ world, flags }: ScaleContext): Promise<Part> {
  const cpu = `0-${cpus().length - 1}`
  const most = Math.max(...COUNTS)
  const children = await Promise.all(Array.from({ length: most }, () => launch(world, OURS, { cpu })))
  const [first] = children
  if (!first) throw new Error('no process was started')
  const { cookie } = await enterAs(first, world, { contender: OURS, user: 2 })
  const run = (some: readonly Child[]) =>
    runLoad(world, 'ours', {
      ports: some.map(portOf),
      connections: CONNECTIONS,
      seconds: flags.seconds,
      requests: [getRequest('/me', cookie)],
    })
  await run(children)
  const reports = new Map<number, LoadReport[]>(COUNTS.map((count) => [count, []]))
  for (let round = 0; round < flags.rounds; round++) {
    for (const [count, taken] of reports) taken.push(await run(children.slice(0, count)))
  }
  await Promise.all(children.map((child) => child.stop()))
  return { title: 'Processes on one Redis', text: `${tableOf(reports)}\n\n${notes()}` }
}

function notes(): string {
  return `\
${CONNECTIONS} connections in all, spread over the processes; all come with the same session, which one of them has logged
in. This machine has ${cpus().length} CPUs. They are shared by the processes, which are not pinned here, with Redis and
the load, so more processes than there are CPUs left for them cannot be faster.`
}

function tableOf(reports: ReadonlyMap<number, readonly LoadReport[]>): string {
  const perSecond = (taken: readonly LoadReport[]) => taken.map(({ requests, seconds }) => requests / seconds)
  const single = perSecond(reports.get(1) ?? [])
  const rows = [...reports].map(([count, taken]) => [
    count,
    spread(perSecond(taken), 0),
    spread(
      perSecond(taken).map((rate, round) => rate / (single[round] ?? NaN)),
      2,
    ),
    (median(taken.map(({ p50 }) => p50)) / 1000).toFixed(2),
    (median(taken.map(({ p99 }) => p99)) / 1000).toFixed(2),
  ])
  return table(['processes', 'req/s (min to max)', 'ratio to one (min to max)', 'p50 ms', 'p99 ms'], rows)
}
