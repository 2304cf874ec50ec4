import { refusal } from './refusal.js'
import type { EmulatorClock, EmulatorTenant, StoredUser } from './types.js'

const BLOCK_MS = 30 * 86_400_000

interface Attempt {
  /** Case-insensitive. */
  account: string
  address: string
}

interface Failures extends Attempt {
  count: number
  lastAt: number
}

/** Counts wrong passwords per account and address. Blocked attempts are refused before the password is checked. */
export class AttackProtection {
  readonly #tenant: EmulatorTenant
  readonly #clock: EmulatorClock
  readonly #failures = new Map<string, Failures>()

  constructor(tenant: EmulatorTenant, clock: EmulatorClock) {
    this.#tenant = tenant
    this.#clock = clock
  }

  /** @throws Refusal if the attempt is blocked. */
  check(attempt: Attempt, user: StoredUser | undefined): void {
    if (this.#tenant.suspiciousAddresses.has(attempt.address)) throw refusal('suspiciousAddress')
    if (this.#isLocked(attempt)) throw refusal('accountLocked')
    if (user?.tooManyLogins) throw refusal('tooManyLogins')
    if (user?.requiresVerification) throw refusal('requiresVerification')
  }

  failed(attempt: Attempt): void {
    const count = (this.#failures.get(keyOf(attempt))?.count ?? 0) + 1
    this.#failures.set(keyOf(attempt), { ...attempt, count, lastAt: this.#clock.now() })
  }

  succeeded(attempt: Attempt): void {
    this.#failures.delete(keyOf(attempt))
  }

  unblock(identifier: string): void {
    for (const [key, { account }] of this.#failures) {
      if (account.toLowerCase() === identifier.toLowerCase()) this.#failures.delete(key)
    }
  }

  reset(): void {
    this.#failures.clear()
  }

  #isLocked(attempt: Attempt): boolean {
    const failures = this.#failures.get(keyOf(attempt))
    if (!failures || this.#clock.now() - failures.lastAt > BLOCK_MS) return false
    return failures.count >= this.#tenant.bruteForceThreshold
  }
}

function keyOf({ account, address }: Attempt): string {
  return `${address} ${account.toLowerCase()}`
}
