import type { EmulatorClock } from './types.js'

/** Bound before fake timers can replace it. */
const realNow = Date.now.bind(Date)

/** Two clocks that advance together. */
export interface Clocks {
  /** For tests and the app: fake timers that replace `Date` do not move it, so they end no session. */
  steady: EmulatorClock
  /** For the tenant: follows `Date`, by which the app verifies ID tokens. */
  tenant: EmulatorClock
}

export function createClocks(): Clocks {
  let offset = 0
  const advance = (seconds: number) => {
    offset += seconds * 1000
  }
  return {
    steady: { now: () => realNow() + offset, advance },
    tenant: { now: () => Date.now() + offset, advance },
  }
}

export function epochSeconds(clock: EmulatorClock): number {
  return Math.floor(clock.now() / 1000)
}
