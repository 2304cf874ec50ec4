import { describe, expect, it } from '@jest/globals'
import { randomInt } from 'node:crypto'
import { History } from './history.ts'
import { startWorld } from './world.ts'

/** `HISTORY_SEED=... npx jest history` replays a run. `HISTORY_STEPS` sets its length. */
const seed = Number(process.env.HISTORY_SEED ?? randomInt(2 ** 31))
const scale = process.env.HISTORY_STEPS === undefined ? 1 : Number(process.env.HISTORY_STEPS) / 1_500

describe.each([
  { store: 'redis', instances: 3, steps: 1_500 * scale },
  { store: 'memory', instances: 1, steps: 1_000 * scale },
] as const)('a random history of $instances instance(s) on $store', ({ store, instances, steps }) => {
  it(`promises 1 to 5 and 8: never ends a live session or revives an ended one`, async () => {
    const world = await startWorld(store, instances)
    const history = new History(world, seed)
    const since = performance.now()
    try {
      while (history.steps < steps) await history.goOn()
    } catch (cause) {
      const last = history.log.slice(-12).join('\n')
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`${message}\nHISTORY_SEED=${seed} replays it. The last batches:\n${last}`, { cause })
    } finally {
      const took = ((performance.now() - since) / 1000).toFixed(1)
      const counts = Object.entries(history.counts).map(([name, count]) => `${name} ${count}`)
      process.stderr.write(
        `history on ${store}: HISTORY_SEED=${seed}, ${history.steps} steps in ${took} s: ${counts.join(', ')}\n`,
      )
      await world.stop()
    }
    expect(history.steps).toBeGreaterThanOrEqual(steps)
  }, 180_000)
})
