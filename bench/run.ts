/** Compares this package with its peers and writes RESULTS.md. */
import { writeFile } from 'node:fs/promises'
import { BASE, CONTENDERS, type Contender, type Scale } from './harness/contenders.ts'
import { enter, type Entrant } from './harness/enter.ts'
import { type Flags, readFlags } from './harness/flags.ts'
import { HOW_TO_READ } from './harness/how-to-read.ts'
import { describeMachine, describeVersions } from './harness/machine.ts'
import { measure, requestsOf, type Shape, warmUp } from './harness/measure.ts'
import { costTable, redisCosts } from './harness/redis-costs.ts'
import { type Results, resultTable, type Turn } from './harness/report.ts'
import { costTargetTable, targetTable } from './harness/targets.ts'
import { startWorld } from './harness/world.ts'

const TITLES = {
  get: 'Authenticated GET',
  token: 'Authenticated GET that needs the access token',
  login: 'Login',
}

/** Before the first round. V8 optimizes code until a contender has handled some thousands of logins. */
const WARM_UP: Shape = { connections: 50, seconds: 4 }

const flags = readFlags()
const chosen = chosenContenders(flags)
const world = await startWorld()
const machine = [...(await describeMachine(world.redis)), settingsLine(flags)].join('\n')
const results: Partial<Record<Scale, Results>> = {}
const tables: string[] = []
for (const scale of flags.scales) {
  const measured = await runScale(scale)
  results[scale] = measured
  tables.push(`## ${TITLES[scale]}`, resultTable(measured, scale), whoIsWho([...measured.keys()]))
}
const costs = await redisCosts(world, chosen)
await world.close()
const parts = [
  ...['# Benchmark results', machine],
  ...['## Targets', targetTable(results), costTargetTable(costs)],
  ...tables,
  ...['## Redis: round trips and bytes', costTable(costs)],
  ...['## How to read it', HOW_TO_READ, `Versions: ${describeVersions()}.`],
]
const text = `${parts.join('\n\n')}\n`
await writeFile(new URL('RESULTS.md', import.meta.url), text)
process.stdout.write(text)
process.exit()

function settingsLine({ rounds, seconds }: Flags): string {
  const [many, one] = [seconds, seconds / 2].map((value) => `${value} s`)
  return [
    `- Warm-up: ${WARM_UP.seconds} s for every contender before the first round, and a short one before each measurement.`,
    `- Rounds: ${rounds}; in each, every contender gets ${many} with 50 connections and ${one} with one.`,
  ].join('\n')
}

/** Always includes the base, which ratios refer to. */
function chosenContenders({ only, scales }: Flags): Contender[] {
  const unknown = only.filter((name) => !CONTENDERS.some((contender) => contender.name === name))
  if (unknown.length) throw new Error(`--only: there is no ${unknown.join(', ')}`)
  const isWanted = ({ name }: Contender) => only.length === 0 || name === BASE || only.includes(name)
  return CONTENDERS.filter((one) => isWanted(one) && one.scales.some((scale) => scales.includes(scale)))
}

async function runScale(scale: Scale): Promise<Results> {
  await world.redis.flushall()
  const entrants: Entrant[] = []
  const contenders = chosen.filter(({ scales }) => scales.includes(scale))
  for (const [user, contender] of contenders.entries()) entrants.push(await enter(world, contender, user))
  for (const entrant of entrants) await warmUp(world, entrant, { ...WARM_UP, requests: requestsOf(scale, entrant) })
  const turns = new Map<Entrant, Turn[]>(entrants.map((entrant) => [entrant, []]))
  for (let round = 0; round < flags.rounds; round++) {
    for (const entrant of rotated(entrants, round)) {
      const turn = await takeTurn(scale, entrant)
      turns.get(entrant)?.push(turn)
      note(`${scale} ${round + 1}/${flags.rounds}`, entrant, turn)
    }
  }
  await Promise.all(entrants.map(({ child }) => child.stop()))
  return turns
}

/** Rotates the order, so that no contender is always first. */
function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

function shapes() {
  const { seconds } = flags
  return { many: { connections: 50, seconds }, one: { connections: 1, seconds: seconds / 2 } }
}

async function takeTurn(scale: Scale, entrant: Entrant): Promise<Turn> {
  const requests = requestsOf(scale, entrant)
  const run = async (shape: Shape) => {
    // Leftover sessions must not slow down the next contender.
    if (scale === 'login') await world.redis.flushall()
    return measure(world, entrant, { ...shape, requests })
  }
  const { many, one } = shapes()
  return { many: await run(many), one: await run(one) }
}

function whoIsWho(entrants: readonly Entrant[]): string {
  return entrants.map(({ contender: { name, what } }) => `- ${name}: ${what}`).join('\n')
}

function note(round: string, { contender }: Entrant, { many, one }: Turn): void {
  const rates = [many, one].map(({ perSecond }) => Math.round(perSecond)).join(' and ')
  process.stderr.write(`${round}: ${contender.name} ${rates} req/s, load took ${many.loadBusy.toFixed(2)} CPU\n`)
}
