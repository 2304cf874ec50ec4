import { setTimeout as wait } from 'node:timers/promises'
import { emailOf, PASSWORD, USERS } from '../processes/tokens.ts'
import { type Contender, contenderNamed, type Scale } from './contenders.ts'
import { type Entrant, enter } from './enter.ts'
import { SCALES } from './flags.ts'
import { type Cell, counted, table, whole } from './markdown.ts'
import { PATHS } from './measure.ts'
import { lengthOf, tokensOf } from './raw-tokens.ts'
import { startTripCounter, type TripCounter } from './trip-counter.ts'
import type { World } from './world.ts'

const USER = 0
/** Stays within the default limits of OURS_LIMITED. */
const [WARM_UP, COUNTED] = [5, 20]
/** Milliseconds after each request, so that work done after the response counts too. */
const PAUSE = 5

const OURS_LIMITED: Contender = {
  ...contenderNamed('ours'),
  name: 'ours-limited',
  variant: ['auth', 'limits'],
  scales: ['login'],
  what: 'ours with rate limits, which it counts in Redis',
}

/** Redis costs of one contender. */
export interface Costs {
  name: string
  what: string
  /** Round trips per request. */
  trips: Partial<Record<Scale, number>>
  bytes: number
  keys: number
  /** Stored bytes divided by the bytes of the three issued tokens. */
  ofTokens: number
}

export async function redisCosts(world: World, contenders: readonly Contender[]): Promise<Costs[]> {
  const costs: Costs[] = []
  const chosen = contenders.flatMap((contender) =>
    contender.name === 'ours' ? [contender, OURS_LIMITED] : [contender],
  )
  for (const contender of chosen) costs.push(await costsOf(world, contender))
  return costs
}

async function costsOf(world: World, contender: Contender): Promise<Costs> {
  await world.redis.flushall()
  const counter = await startTripCounter(world.server.port)
  const env = { ...world.env, BENCH_REDIS_URL: counter.url }
  const entrant = await enter({ ...world, env }, contender, USER)
  const trips: Costs['trips'] = {}
  for (const scale of contender.scales) trips[scale] = await tripsOf(counter, entrant, scale)
  await entrant.child.stop()
  counter.close()
  const { bytes, keys } = entrant.stored
  const ofTokens = bytes / lengthOf(await tokensOf(world, USER))
  return { name: contender.name, what: contender.what, trips, bytes, keys: keys.length, ofTokens }
}

async function tripsOf(counter: TripCounter, entrant: Entrant, scale: Scale): Promise<number> {
  await send(entrant, scale, WARM_UP)
  const before = counter.trips()
  await send(entrant, scale, COUNTED)
  return (counter.trips() - before) / COUNTED
}

async function send({ contender, child, cookie }: Entrant, scale: Scale, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const init = scale === 'login' ? loginOf(time % USERS) : { headers: { cookie } }
    const response = await fetch(child.url + PATHS[scale], init)
    if (response.status !== 200) throw new Error(`${contender.name} answered ${response.status}`)
    await response.arrayBuffer()
    await wait(PAUSE)
  }
}

function loginOf(user: number) {
  const body = JSON.stringify({ email: emailOf(user), password: PASSWORD })
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body }
}

export function costTable(costs: readonly Costs[]): string {
  const head = ['contender', 'GET', 'GET with token', 'login', 'a session in Redis', 'to its raw tokens']
  return table(head, costs.map(rowOf))
}

function rowOf({ name, trips, bytes, keys, ofTokens }: Costs): Cell[] {
  const cells = SCALES.map((scale) => trips[scale]?.toFixed(2) ?? '-')
  if (keys === 0) return [name, ...cells, '0', '-']
  return [name, ...cells, `${whole(bytes)} bytes in ${counted(keys, 'key')}`, ofTokens.toFixed(2)]
}
