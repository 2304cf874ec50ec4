import type { AddressInfo } from 'node:net'
import express from 'express'
import { Redis } from 'ioredis'
import { createRopgAuth, type RopgAuthOptions } from '../../../lib/index.ts'
import { CREATE, ENLIST, WRITE } from '../../../lib/store/redis-scripts.ts'
import { onScript } from './on-script.ts'
import { addTokenRoute } from './token-routes.ts'

/** Where a worker stops during a refresh or login, so that it can be killed there. */
export type Stop = 'before the request' | 'after the write' | 'before the session' | 'before the list'

export interface WorkerSettings {
  options: RopgAuthOptions & { redis: string }
  stop?: Stop
}

export interface Asked {
  status: number
  body: { accessToken?: string; error?: string }
}

/** Order for the worker: number of concurrent requests, and milliseconds that its clock is ahead. */
export interface Order {
  ask: number
  cookie: string
  ahead: number
}

/** Sent by the worker. */
export type Told =
  | { told: 'ready'; url: string }
  /** All requests of the order are waiting for their token. */
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
  { ...options, logger: false, rateLimit: false, redis: stoppingRedis() },
  {
    clock: () => Date.now() + ahead,
    fetch: (url, init) => {
      const grantType = new URLSearchParams(init?.body as URLSearchParams).get('grant_type')
      return grantType === 'refresh_token' && stop === 'before the request' ? forever() : fetch(url, init)
    },
  },
)
const app = express()
app.use('/auth', auth.router)
addTokenRoute(app, auth, {
  asked: () => {
    if (++waiting === ordered) tell({ told: 'waiting' })
  },
})
const server = app.listen(0, '127.0.0.1', () => {
  void ready().then(() => tell({ told: 'ready', url: url() }))
})

/** If 20 processes start at once, the first call may miss its deadline. */
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
// The test has ended.
process.on('disconnect', () => process.exit())

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

async function ask(cookie: string): Promise<Asked> {
  const response = await fetch(`${url()}/token`, { headers: { cookie } })
  return { status: response.status, body: (await response.json()) as Asked['body'] }
}

function stoppingRedis(): Redis | string {
  if (stop === undefined || stop === 'before the request') return options.redis
  const redis = new Redis(options.redis, { commandTimeout: 1000, maxRetriesPerRequest: 1 })
  if (stop === 'after the write') {
    return onScript(redis, WRITE, async ({ args, run }) => {
      const result = await run()
      // The login's tokens are version 1.
      return args[3]?.startsWith('2.') && String(result) === 'done' ? forever() : result
    })
  }
  return onScript(redis, stop === 'before the list' ? ENLIST : CREATE, async () => {
    // Its response means that the server has processed everything sent earlier.
    await redis.ping()
    return forever()
  })
}
