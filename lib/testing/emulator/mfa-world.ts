import { Allowance } from './allowance.js'
import { OobChallenges } from './mfa-challenges.js'
import { Factors } from './mfa-factors.js'
import { MfaTransactions } from './mfa-transactions.js'
import type { EmulatorClock } from './types.js'

/** MFA state of the tenant. */
export interface MfaWorld {
  clock: EmulatorClock
  factors: Factors
  transactions: MfaTransactions
  challenges: OobChallenges
  allowances: MfaAllowances
}

/** Limits for wrong codes, for polling one push notification, and for messages to a user. */
export type MfaAllowances = Record<'wrongCodes' | 'polls' | 'phone' | 'email' | 'push', Allowance>

export function createMfaWorld(clock: EmulatorClock): MfaWorld {
  return {
    clock,
    factors: new Factors(),
    transactions: new MfaTransactions(clock),
    challenges: new OobChallenges(clock),
    allowances: {
      wrongCodes: new Allowance(clock, { most: 10, refill: 360 }),
      polls: new Allowance(clock, { most: 12, refill: 5 }),
      phone: new Allowance(clock, { most: 10, refill: 3600 }),
      email: new Allowance(clock, { most: 20, refill: 60 }),
      push: new Allowance(clock, { most: 5, refill: 60 }),
    },
  }
}
