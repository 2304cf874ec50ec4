import { createClock } from './emulator/clock.js'
import type { Auth0Emulator, EmulatorClock } from './emulator/types.js'
import { refuseInProduction } from './refuse-in-production.js'

/**
 * A clock for the option `clock`: real time plus what it was advanced. With an emulator it is the emulator's own clock, so
 * that time passes for the app and for Auth0 together.
 *
 * @throws Error under `NODE_ENV=production`.
 */
export function createTestClock(emulator?: Pick<Auth0Emulator, 'clock'>): EmulatorClock {
  refuseInProduction('createTestClock')
  return emulator?.clock ?? createClock()
}
