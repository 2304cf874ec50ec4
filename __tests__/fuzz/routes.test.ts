import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { testRedisUrl } from '../support/redis.ts'
import { heapInUse } from './heap.ts'
import { hostileRequest, toBytes } from './hostile-requests.ts'
import { type Site, SITES, startSite, users } from './site.ts'
import { faultsIn } from './verdict.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 10_500)
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_126)

/** After this many requests, cookies of ended sessions are replaced. */
const ROUND = 100

/** In long runs, the heap is measured after this many requests, and sessions are stored in Redis. */
const MEASURED = 10_000
const isLong = RUNS > 100_000

/** Megabytes of allowed growth: the emulator's new users, plus noise. */
const GROWTH = 25

/** Average milliseconds per request allowed on the slowest machine. */
const ALLOWANCE = 20

let emulator: Auth0Emulator
let site: Site
const rejections: unknown[] = []
const keepRejection = (reason: unknown) => void rejections.push(reason)

beforeAll(async () => {
  process.on('unhandledRejection', keepRejection)
  emulator = await startAuth0Emulator({ users, signupLimit: 1_000_000, resetLimit: 1_000_000 })
})

afterAll(async () => {
  process.off('unhandledRejection', keepRejection)
  await emulator.close()
})

afterEach(async () => {
  site.client.close()
  await site.close()
})

const names = Object.keys(SITES)

describe.each(names)('a site with %s', (name) => {
  it(
    `answers whatever a client sends as the contract says (seed ${SEED})`,
    async () => {
      site = await startSite(name, { emulator, ...(isLong && { redis: testRedisUrl() }) })
      const heap: number[] = []
      let sent = 0
      const property = fc.asyncProperty(hostileRequest, async (request) => {
        if (sent++ % ROUND === 0) await site.renew()
        if (isLong && sent % MEASURED === 0) heap.push(heapInUse())
        const response = await site.client.send(toBytes(request, site.cookies))
        const faults = faultsIn(response, site)
        if (faults.length > 0) throw new Error(faults.join('\n'))
      })

      await fc.assert(property, { numRuns: Math.ceil(RUNS / names.length), seed: SEED })

      expect(rejections).toEqual([])
      if (isLong) console.log(`${sent} requests; heap in MB after each ${MEASURED}: ${heap.join(', ')}`)
      expect((heap.at(-1) ?? 0) - (heap[0] ?? 0)).toBeLessThan(GROWTH)
    },
    60_000 + RUNS * ALLOWANCE,
  )
})
