import type { AddressInfo } from 'node:net'
import express from 'express'
import { Redis } from 'ioredis'
import { createRopgAuth, type RopgAuthOptions } from '../../../lib/index.ts'
import { addTokenRoute } from './token-routes.ts'

/** Where a worker stands still for ever, so that it can be killed there. */
export type Stop = 'before the request' | 'after the write'

export interface WorkerSettings {
  options: RopgAuthOptions & { redis: string }
  stop?: Stop
}

export interface Asked {
  status: number
  body: { accessToken?: string; error?: string }
}

/** To the worker: so many requests at once, by a clock that is so many milliseconds ahead. */
export interface Order {
  ask: number
  cookie: string
  ahead: number
}

/** From the worker. */
export type Told =
  | { told: 'ready' }
  /** All requests of the order wait for their token. */
  | { told: 'waiting' }
  | { told: 'stopped' }
  | { told: 'answers'; answers: Asked[] }

const { options, stop } = JSON.parse(process.env.WORKER_SETTINGS ?? '{}') as WorkerSettings
const tell = (message: Told) => process.send?.(message)
const forever = () =>
  new Promise<never>(() => {
    tell({ told: 'stopped' })
  })

let ahead = 0
let waiting = 0
let ordered = 0

const auth = createRopgAuth(
  { ...options, logger: false, rateLimit: false, redis: stop === 'after the write' ? stoppingRedis() : options.redis },
  {
    clock: () => Date.now() + ahead,
    fetch: (url, init) => {
      const grantType = new URLSearchParams(init?.body as URLSearchParams).get('grant_type')
      return grantType === 'refresh_token' && stop === 'before the request' ? forever() : fetch(url, init)
    },
  },
)
const app = express()
addTokenRoute(app, auth, {
  asked: () => {
    if (++waiting === ordered) tell({ told: 'waiting' })
  },
})
const server = app.listen(0, '127.0.0.1', () => {
  void ready().then(() => tell({ told: 'ready' }))
})

/** With 20 processes that start at once the first call may miss its deadline. */
async function ready(tries = 20): Promise<void> {
  await auth.ready().catch((err: unknown) => {
    if (tries === 0) throw err
    return ready(tries - 1)
  })
}

process.on('message', (order: Order) => {
  ordered = order.ask
  waiting = 0
  ahead = order.ahead
  void Promise.all(Array.from({ length: order.ask }, () => ask(order.cookie))).then((answers) =>
    tell({ told: 'answers', answers }),
  )
})
// The test has ended, however it did.
process.on('disconnect', () => process.exit())

async function ask(cookie: string): Promise<Asked> {
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/token`, { headers: { cookie } })
  return { status: response.status, body: (await response.json()) as Asked['body'] }
}

/** Goes on to work until the tokens are written, and never learns that they are. */
function stoppingRedis(): Redis {
  const redis = new Redis(options.redis, { commandTimeout: 1000, maxRetriesPerRequest: 1 })
  const evaluate = redis.eval.bind(redis) as (...args: unknown[]) => Promise<unknown>
  // By hash the script may be unknown to the server, and then nothing is written.
  const unknown = () => Promise.reject(new Error('NOSCRIPT'))
  const untilWritten = async (...args: unknown[]) => {
    const [, , key, , value] = args.map(String)
    const result = await evaluate(...args)
    // The tokens of the login are version 1.
    return key?.includes(':t:') && value?.startsWith('2.') && result === 'done' ? forever() : result
  }
  return Object.assign(redis, { evalsha: unknown, eval: untilWritten })
}
