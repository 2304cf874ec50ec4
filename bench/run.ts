/** Measures this package against its peers, and writes RESULTS.md. */
import { writeFile } from 'node:fs/promises'
import { BASE, CONTENDERS, type Contender } from './harness/contenders.ts'
import { enter, type Entrant } from './harness/enter.ts'
import { type Flags, readFlags } from './harness/flags.ts'
import { describeMachine, describeVersions } from './harness/machine.ts'
import { measure, requestsOf, type Shape } from './harness/measure.ts'
import { type Results, resultTable, type Turn } from './harness/report.ts'
import { HOW_TO_READ } from './harness/how-to-read.ts'
import { startWorld, type World } from './harness/world.ts'

type Scale = 'hot' | 'login'

const TITLES = { hot: 'Authenticated GET', login: 'Login' }

const flags = readFlags()
const scales: Scale[] = flags.scale === 'all' ? ['hot', 'login'] : [flags.scale]
const world = await startWorld()
const parts = [`# Benchmark results`, [...(await describeMachine(world.redis)), settingsLine(flags)].join('\n')]
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
  return `- ${rounds} rounds; each contender ${seconds} s with 50 connections and ${seconds / 2} s with one, after a warm-up`
}

async function runScale(scale: Scale): Promise<Results> {
  await world.redis.flushall()
  const entrants: Entrant[] = []
  for (const [user, contender] of chosen(scale).entries()) entrants.push(await enter(world, contender, user))
  const turns = new Map<Entrant, Turn[]>(entrants.map((entrant) => [entrant, []]))
  for (let round = 0; round < flags.rounds; round++) {
    for (const entrant of rotated(entrants, round)) {
      const turn = await takeTurn(world, scale, entrant)
      turns.get(entrant)?.push(turn)
      note(
        scale,
        round,
        `${entrant.contender.name} ${Math.round(turn.many.perSecond)}/s, load ${turn.many.loadBusy.toFixed(2)}`,
      )
    }
  }
  await Promise.all(entrants.map(({ child }) => child.stop()))
  return turns
}

/** The base is always among them: there is no ratio without it. */
function chosen(scale: Scale): Contender[] {
  const { only } = flags
  const unknown = only.filter((name) => !CONTENDERS.some((contender) => contender.name === name))
  if (unknown.length) throw new Error(`--only knows no ${unknown.join(', ')}`)
  return CONTENDERS.filter(
    ({ name, scales }) => scales.includes(scale) && (only.length === 0 || name === BASE || only.includes(name)),
  )
}

/** Each round begins with another contender, so that none is always the first or behind the same one. */
function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

async function takeTurn(world: World, scale: Scale, entrant: Entrant): Promise<Turn> {
  const requests = requestsOf(scale, entrant)
  const shapes = {
    many: { connections: 50, seconds: flags.seconds },
    one: { connections: 1, seconds: flags.seconds / 2 },
  }
  const run = async (shape: Shape) => {
    // The sessions that logins leave behind are not to slow down who comes next.
    if (scale === 'login') await world.redis.flushall()
    return measure(world, entrant, { ...shape, requests })
  }
  return { many: await run(shapes.many), one: await run(shapes.one) }
}

function whoIsWho(results: Results): string {
  return [...results.keys()].map(({ contender: { name, what } }) => `- ${name}: ${what}`).join('\n')
}

function note(scale: Scale, round: number, what: string): void {
  process.stderr.write(`${scale} ${round + 1}/${flags.rounds}: ${what}\n`)
}
