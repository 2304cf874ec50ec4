/** Measures this package against its peers, and writes RESULTS.md. */
import { writeFile } from 'node:fs/promises'
import { BASE, CONTENDERS, type Contender } from './harness/contenders.ts'
import { enter, type Entrant } from './harness/enter.ts'
import { type Flags, readFlags } from './harness/flags.ts'
import { HOW_TO_READ } from './harness/how-to-read.ts'
import { describeMachine, describeVersions } from './harness/machine.ts'
import { measure, requestsOf, type Scale, type Shape, warmUp } from './harness/measure.ts'
import { type Results, resultTable, type Turn } from './harness/report.ts'
import { startWorld } from './harness/world.ts'

const TITLES = { hot: 'Authenticated GET', login: 'Login' }

const flags = readFlags()
const scales: Scale[] = flags.scale === 'all' ? ['hot', 'login'] : [flags.scale]
const world = await startWorld()
const parts = ['# Benchmark results', [...(await describeMachine(world.redis)), settingsLine(flags)].join('\n')]
for (const scale of scales) {
  const results = await runScale(scale)
  parts.push(`## ${TITLES[scale]}`, resultTable(results, scale), whoIsWho(results))
}
parts.push('## How to read it', HOW_TO_READ, `Versions: ${describeVersions()}.`)
await world.close()
const text = `${parts.join('\n\n')}\n`
await writeFile(new URL('RESULTS.md', import.meta.url), text)
process.stdout.write(text)
process.exit()

function settingsLine({ rounds, seconds }: Flags): string {
  const [many, one] = [seconds, seconds / 2].map((value) => `${value} s`)
  return `- Rounds: ${rounds}; in each, every contender gets ${many} with 50 connections and ${one} with one, after a warm-up.`
}

async function runScale(scale: Scale): Promise<Results> {
  await world.redis.flushall()
  const entrants: Entrant[] = []
  for (const [user, contender] of chosen(scale).entries()) entrants.push(await enter(world, contender, user))
  for (const entrant of entrants)
    await warmUp(world, entrant, { ...shapes().many, requests: requestsOf(scale, entrant) })
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

/** The base is always among them: there is no ratio without it. */
function chosen(scale: Scale): Contender[] {
  const { only } = flags
  const unknown = only.filter((name) => !CONTENDERS.some((contender) => contender.name === name))
  if (unknown.length) throw new Error(`--only: there is no ${unknown.join(', ')}`)
  return CONTENDERS.filter(
    ({ name, scales }) => scales.includes(scale) && (only.length === 0 || name === BASE || only.includes(name)),
  )
}

/** Each round begins with another contender, so that none is always the first. */
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
    // The sessions that logins leave behind are not to slow down who comes next.
    if (scale === 'login') await world.redis.flushall()
    return measure(world, entrant, { ...shape, requests })
  }
  const { many, one } = shapes()
  return { many: await run(many), one: await run(one) }
}

function whoIsWho(results: Results): string {
  return [...results.keys()].map(({ contender: { name, what } }) => `- ${name}: ${what}`).join('\n')
}

function note(round: string, { contender }: Entrant, { many, one }: Turn): void {
  const rates = [many, one].map(({ perSecond }) => Math.round(perSecond)).join(' and ')
  process.stderr.write(`${round}: ${contender.name} ${rates} req/s, load took ${many.loadBusy.toFixed(2)} CPU\n`)
}
