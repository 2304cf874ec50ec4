import { emailOf, PASSWORD, USERS } from '../processes/tokens.ts'
import type { LoadOrder, LoadReport } from '../processes/load.ts'
import type { Child } from './child.ts'
import type { Scale } from './contenders.ts'
import type { Entrant } from './enter.ts'
import { type Calls, callsOf, callsPerRequest } from './redis-stats.ts'
import type { World } from './world.ts'

export interface Usage {
  cpu: { user: number; system: number }
  memory: NodeJS.MemoryUsage
}

export interface Measured {
  perSecond: number
  /** Microseconds. */
  p50: number
  p99: number
  /** CPU microseconds per request, over all threads of the contender's process. */
  cpu: number
  calls: Calls
  /** CPU share of the load generator. */
  loadBusy: number
}

export interface Shape {
  connections: number
  seconds: number
}

export interface Order extends Shape {
  requests: string[]
}

/** Warm-up time as a share of the measured time. */
const WARM_UP = 0.3

export const PATHS = { get: '/me', token: '/token', login: '/api/auth/login' } as const

/** Requests for one measurement. Each login is by a different user than the one before. */
export function requestsOf(scale: Scale, { cookie }: Pick<Entrant, 'cookie'>): string[] {
  if (scale !== 'login') return [`GET ${PATHS[scale]} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n\r\n`]
  return Array.from({ length: USERS }, (_, user) => {
    const body = JSON.stringify({ email: emailOf(user), password: PASSWORD })
    const head = `POST ${PATHS.login} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
    return `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  })
}

export async function warmUp(world: World, { contender, child }: Entrant, order: Order): Promise<void> {
  await runLoad(world, contender.name, { ports: [portOf(child)], ...order })
}

export async function measure(world: World, entrant: Entrant, order: Order): Promise<Measured> {
  const { contender, child } = entrant
  await warmUp(world, entrant, { ...order, seconds: order.seconds * WARM_UP })
  const [calls, usage] = [await callsOf(world.redis), await child.ask<Usage>('usage')]
  const report = await runLoad(world, contender.name, { ports: [portOf(child)], ...order })
  const after = await child.ask<Usage>('usage')
  return {
    perSecond: report.requests / report.seconds,
    p50: report.p50,
    p99: report.p99,
    cpu: (totalOf(after) - totalOf(usage)) / report.requests,
    calls: callsPerRequest(calls, await callsOf(world.redis), report.requests),
    loadBusy: report.busy,
  }
}

export const portOf = ({ url }: Child) => Number(new URL(url).port)

const totalOf = ({ cpu: { user, system } }: Usage) => user + system

export async function runLoad({ load }: World, name: string, order: LoadOrder): Promise<LoadReport> {
  const report = await load.ask<LoadReport>('run', order)
  const wrong = Object.keys(report.statuses).filter((status) => status !== '200')
  if (wrong.length || !report.requests) throw new Error(`${name} answered ${JSON.stringify(report.statuses)}`)
  return report
}
