import { describe, expect, it } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { startDeadline } from '../lib/deadline.ts'

/** Blocks the event loop. */
function standStill(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('startDeadline', () => {
  it('calls back after its time', async () => {
    const started = performance.now()
    await new Promise<void>((resolve) => {
      startDeadline(20, resolve)
    })
    expect(performance.now() - started).toBeGreaterThanOrEqual(19)
  })

  it('does not call back after it is canceled, even after a pause', async () => {
    const calls: string[] = []
    const callOff = startDeadline(10, () => calls.push('early'))
    const callOffLater = startDeadline(200, () => calls.push('late'))
    callOff()
    standStill(400)
    // The timer fires in this turn and restarts.
    await turn()
    await turn()
    callOffLater()
    await new Promise<void>((resolve) => {
      startDeadline(300, resolve)
    })
    expect(calls).toEqual([])
  })

  it('does not count time while the process is suspended', async () => {
    const events: string[] = []
    const expired = new Promise<void>((resolve) => {
      startDeadline(50, () => {
        events.push('deadline')
        resolve()
      })
    })
    standStill(400)
    // After a pause, timers run before pending reads.
    void turn().then(() => events.push('answer'))
    await expired
    expect(events).toEqual(['answer', 'deadline'])
  })
})
