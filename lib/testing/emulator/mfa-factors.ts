import type { EmulatorFactor } from './mfa-types.js'
import { randomText } from './random-text.js'
import { newTotpSecret, totpCode, totpPeriod } from './totp.js'
import type { EmulatorUser, StoredUser } from './types.js'

export interface Factor {
  readonly id: string
  readonly type: EmulatorFactor['type']
  readonly name: string | undefined
  active: boolean
  /** Secret of an OTP factor, or the recovery code itself. */
  secret: string
  /** Phone number or email address. */
  readonly to: string | undefined
  /** Periods whose one-time password has been used. */
  readonly spentPeriods: Set<number>
}

const DEFAULT_FACTORS: EmulatorFactor[] = [{ type: 'otp' }, { type: 'recovery-code' }]

/** Factors of all users, both configured and enrolled. */
export class Factors {
  readonly #known = new Map<string, { setup: EmulatorUser['mfa']; factors: Factor[] }>()

  /** Reset when the test changes the user's `mfa`. */
  of({ sub, email, mfa }: StoredUser): Factor[] {
    const known = this.#known.get(sub)
    if (known && known.setup === mfa) return known.factors
    const setup = typeof mfa === 'object' ? mfa : {}
    const factors = (setup.factors ?? DEFAULT_FACTORS).map((factor) => factorOf(factor, email))
    this.#known.set(sub, { setup: mfa, factors })
    return factors
  }

  active(user: StoredUser): Factor[] {
    return this.of(user).filter(({ active }) => active)
  }
}

export interface NewFactor extends EmulatorFactor {
  to?: string | undefined
}

function factorOf(factor: EmulatorFactor, email: string): Factor {
  return createFactor(factor.type === 'email' ? { ...factor, to: email } : factor)
}

export function createFactor({ type, to, name = maskedName(type, to), active = true }: NewFactor): Factor {
  return { id: newId(type), type, name, active, secret: secretFor(type), to, spentPeriods: new Set() }
}

function newId(type: Factor['type']): string {
  return `${type === 'otp' ? 'totp' : type}|dev_${randomText(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef')}`
}

function secretFor(type: Factor['type']): string {
  return type === 'otp' ? newTotpSecret() : newRecoveryCode()
}

export function newRecoveryCode(): string {
  return randomText(24, 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789')
}

function maskedName(type: Factor['type'], to: string | undefined): string | undefined {
  if (type === 'sms' || type === 'voice') return (to ?? '+15550100').slice(-4).padStart(13, 'X')
  if (type !== 'email' || to === undefined) return undefined
  const [account = '', host = ''] = to.split('@')
  return `${account.slice(0, 1)}***@${host.slice(0, 4)}*******`
}

/** Consumes a one-time password of the current, previous, or next period. */
export function spendOtp(factor: Factor, otp: string, now: number): boolean {
  const period = [-1, 0, 1]
    .map((drift) => totpPeriod(now) + drift)
    .find((period) => !factor.spentPeriods.has(period) && totpCode(factor.secret, period) === otp)
  if (period === undefined) return false
  factor.spentPeriods.add(period)
  return true
}
