import { describe, expect, it, jest } from '@jest/globals'
import { findOnce } from '../../lib/auth0/find-once.ts'

/** A lookup that fails a given number of times, and a clock that moves only on request. */
function start(failures: number) {
  let now = 1000
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now)
  let attempts = 0
  const get = findOnce(async () => {
    attempts += 1
    if (attempts <= failures) throw new Error(`failure ${String(attempts)}`)
    return 'found'
  })
  const outcome = () => get().catch((err: unknown) => (err as Error).message)
  return {
    outcome,
    attempts: () => attempts,
    advance: (ms: number) => (now += ms),
    end: () => clock.mockRestore(),
  }
}

describe('findOnce', () => {
  it('runs on first use, shares one attempt, and caches the result', async () => {
    const { outcome, attempts, end } = start(0)
    expect(attempts()).toBe(0)
    expect(await Promise.all([outcome(), outcome(), outcome()])).toEqual(['found', 'found', 'found'])
    expect(await outcome()).toBe('found')
    expect(attempts()).toBe(1)
    end()
  })

  it('retries immediately after the first failure', async () => {
    const { outcome, end } = start(1)
    expect([await outcome(), await outcome()]).toEqual(['failure 1', 'found'])
    end()
  })

  it('retries less and less often, but at least once a second', async () => {
    const { outcome, attempts, advance, end } = start(20)
    await outcome()
    await outcome()
    for (const pause of [100, 200, 400, 800, 1000, 1000]) {
      const before = attempts()
      advance(pause - 1)
      expect(await outcome()).toBe(`failure ${String(before)}`)
      expect(attempts()).toBe(before)
      advance(1)
      await outcome()
      expect(attempts()).toBe(before + 1)
    }
    end()
  })
})
