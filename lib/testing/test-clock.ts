import { createClocks } from './emulator/clock.js'
import type { Auth0Emulator, EmulatorClock } from './emulator/types.js'
import { refuseInProduction } from './refuse-in-production.js'

/**
 * Creates a clock for the `clock` option: real time plus the time you advance it by. Given an emulator, returns the
 * emulator's clock, so that time passes for the app and Auth0 together. Fake timers that replace `Date` do not move it.
 *
 * @throws Error with `NODE_ENV=production`.
 */
export function createTestClock(emulator?: Pick<Auth0Emulator, 'clock'>): EmulatorClock {
  refuseInProduction('createTestClock')
  return emulator?.clock ?? createClocks().steady
}
