import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { SessionUnavailableError } from '../../lib/errors.ts'
import { createStoreGuard, type Guarded } from '../../lib/store/store-health.ts'

/** Milliseconds. */
const DEADLINE = 100

interface Probe {
  answer: (err?: Error) => void
}

let isClosed = false
afterEach(() => {
  isClosed = true
})

/** A guard whose probes wait for the test. */
function start() {
  isClosed = false
  const reported: string[] = []
  const probes: Probe[] = []
  const waiting: ((probe: Probe) => void)[] = []
  const probe = () =>
    new Promise<void>((resolve, reject) => {
      const sent: Probe = {
        answer: (err) => {
          if (err) reject(err)
          else resolve()
        },
      }
      probes.push(sent)
      waiting.shift()?.(sent)
    })
  const guarded = createStoreGuard({
    deadline: DEADLINE,
    report: ({ name }) => reported.push(name),
    describe: (err) => (err as Error).message,
    isClosed: () => isClosed,
    probe,
  })
  const nextProbe = () => new Promise<Probe>((resolve) => waiting.push(resolve))
  return { guarded, reported, probes, nextProbe }
}

const gone = () => Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))
const refused = () => Promise.reject(new Error("READONLY You can't write against a read only replica."))
const silent = () => new Promise<never>(() => undefined)
const fine = () => Promise.resolve('fine')

async function fail(guarded: Guarded, call: () => Promise<unknown>): Promise<void> {
  await expect(guarded(call)).rejects.toBeInstanceOf(SessionUnavailableError)
}

describe('a store known to be down', () => {
  it('gets no queries, which fail well before the deadline', async () => {
    const { guarded } = start()
    await fail(guarded, silent)
    let calls = 0
    const started = performance.now()
    await Promise.all(Array.from({ length: 50 }, () => fail(guarded, () => Promise.resolve(calls++))))
    expect(performance.now() - started).toBeLessThan(DEADLINE)
    expect(calls).toBe(0)
  })

  it('still gets writes, which wait for their response', async () => {
    const { guarded } = start()
    await fail(guarded, gone)
    await expect(guarded(fine, 'news')).resolves.toBe('fine')
  })

  it('gets queries again within a second once a probe is answered', async () => {
    const { guarded, reported, nextProbe } = start()
    const first = nextProbe()
    await fail(guarded, gone)
    const second = nextProbe()
    ;(await first).answer(new Error('connect'))
    const started = performance.now()
    ;(await second).answer()
    await expect(guarded(fine)).resolves.toBe('fine')
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(reported).toEqual(['store.unavailable', 'store.recovered'])
  })

  it('is back when a probe is answered late', async () => {
    const { guarded, nextProbe } = start()
    const first = nextProbe()
    await fail(guarded, gone)
    const second = nextProbe()
    const late = await first
    await second
    late.answer()
    await expect(guarded(fine)).resolves.toBe('fine')
  })

  it('is back when a call is answered late', async () => {
    const { guarded, reported } = start()
    let answer: (value: string) => void = () => undefined
    await fail(guarded, () => new Promise((resolve) => (answer = resolve)))
    answer('late')
    await expect(guarded(fine)).resolves.toBe('fine')
    expect(reported).toEqual(['store.unavailable', 'store.recovered'])
  })

  it('lets a query pass that arrives just before it is back', async () => {
    const { guarded, nextProbe } = start()
    const first = nextProbe()
    await fail(guarded, gone)
    const asked = guarded(fine)
    ;(await first).answer()
    await expect(asked).resolves.toBe('fine')
  })

  it('is probed by a single loop, however often it goes down', async () => {
    const { guarded, probes, nextProbe } = start()
    const first = nextProbe()
    await fail(guarded, gone)
    ;(await first).answer(new Error('connect'))
    // The loop has started its pause.
    await nextTurn()
    for (let time = 1; time <= 5; time++) {
      await guarded(fine, 'news')
      await fail(guarded, gone)
    }
    await nextProbe()
    // Any other loop would have sent its probe immediately.
    expect(probes).toHaveLength(2)
  })

  it('is probed again when it goes down a second time', async () => {
    const { guarded, nextProbe } = start()
    for (let time = 1; time <= 2; time++) {
      const probe = nextProbe()
      await fail(guarded, gone)
      ;(await probe).answer()
      await nextTurn()
    }
    await expect(guarded(fine)).resolves.toBe('fine')
  })

  it('is not probed after close', async () => {
    const { guarded } = start()
    await fail(guarded, gone)
    isClosed = true
    await expect(guarded(fine, 'news')).rejects.toMatchObject({ code: 'configuration_error' })
  })
})

describe('a store that refuses some commands', () => {
  it('does not count as down, so the next query is sent', async () => {
    const { guarded, probes } = start()
    await fail(guarded, refused)
    await expect(guarded(fine)).resolves.toBe('fine')
    expect(probes).toEqual([])
  })

  it('is back when it refuses a probe, and recovery is reported once refusals stop', async () => {
    const { guarded, reported, nextProbe } = start()
    const first = nextProbe()
    await fail(guarded, gone)
    await fail(guarded, refused).catch(() => undefined)
    ;(await first).answer(new Error("READONLY You can't write against a read only replica."))
    await expect(guarded(fine)).resolves.toBe('fine')
    expect(reported[0]).toBe('store.unavailable')
  })

  it('reports an outage once for many failed calls', async () => {
    const { guarded, reported } = start()
    for (let time = 1; time <= 3; time++) await fail(guarded, refused)
    expect(reported).toEqual(['store.unavailable'])
  })
})
