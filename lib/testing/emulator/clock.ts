import type { EmulatorClock } from './types.js'

export function createClock(): EmulatorClock {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    advance(seconds) {
      offset += seconds * 1000
    },
  }
}

export function epochSeconds(clock: EmulatorClock): number {
  return Math.floor(clock.now() / 1000)
}
