import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { testRedisUrl } from '../support/redis.ts'
import { emailOf, type Lane, passwordOf, startLane } from './lane.ts'
import { createSequence } from './sequence.ts'

/** `HOT_PATH_SEED=... npx jest differential` replays all; `HOT_PATH_ONLY=17` besides it one sequence. */
const seed = Number(process.env.HOT_PATH_SEED ?? randomInt(2 ** 31))
const only = process.env.HOT_PATH_ONLY
const COUNT = 1000
const LANES = 8

interface Pair {
  short: Lane
  long: Lane
}

let emulator: Auth0Emulator
let redis: Redis
let pairs: Pair[]

beforeAll(async () => {
  const users = Array.from({ length: COUNT }, (_, number) => ({ email: emailOf(number), password: passwordOf(number) }))
  emulator = await startAuth0Emulator({ users })
  emulator.tenant.bruteForceThreshold = Infinity
  redis = new Redis(testRedisUrl(), { commandTimeout: 10_000 })
  const start = (lazySessions: boolean) => startLane({ emulator, redis, lazySessions })
  pairs = await Promise.all(
    Array.from({ length: LANES }, async () => ({ short: await start(true), long: await start(false) })),
  )
})

afterAll(async () => {
  await Promise.all(pairs.flatMap(({ short, long }) => [short.stop(), long.stop()]))
  redis.disconnect()
  await emulator.close()
})

async function compare({ short, long }: Pair, number: number): Promise<void> {
  const sequence = createSequence(seed, number)
  const [lazy, eager] = await Promise.all([short.play(sequence), long.play(sequence)])
  try {
    expect(lazy).toEqual(eager)
  } catch (cause) {
    const { message } = cause as Error
    const replay = `HOT_PATH_SEED=${seed} HOT_PATH_ONLY=${number} replays it`
    throw new Error(`${replay}: ${JSON.stringify(sequence)}\n${message}`, { cause })
  }
}

describe('the short cut', () => {
  it('shows and stores what express-session on every request would, in 1,000 random sequences', async () => {
    const since = performance.now()
    const todo = only === undefined ? Array.from({ length: COUNT }, (_, number) => number) : [Number(only)]
    const work = async (pair: Pair) => {
      for (let next = todo.shift(); next !== undefined; next = todo.shift()) await compare(pair, next)
    }
    try {
      await Promise.all(pairs.map(work))
    } finally {
      const took = ((performance.now() - since) / 1000).toFixed(1)
      process.stderr.write(`short cut: HOT_PATH_SEED=${seed}, ${COUNT} sequences in ${took} s\n`)
    }
  }, 120_000)
})
