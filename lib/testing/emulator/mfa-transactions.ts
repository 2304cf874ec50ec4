import type { Factor } from './mfa-factors.js'
import { refusal } from './refusal.js'
import { opaqueToken } from './token-minter.js'
import type { EmulatorClock, StoredUser } from './types.js'

export const MFA_LIFETIME_MS = 300_000

/** Mints the tokens of the login or refresh that waits for a second factor. */
export type Finish = (user: StoredUser) => Promise<Record<string, unknown>>

/** What an `mfa_token` stands for. */
export interface MfaTransaction {
  readonly token: string
  readonly sub: string
  readonly expiresAt: number
  /** Factors that were associated in it: each with those that its first code activates, too. */
  readonly enrolling: Factor[][]
  readonly finish: Finish
}

/** Logins that wait for a second factor. */
export class MfaTransactions {
  readonly #clock: EmulatorClock
  readonly #open = new Map<string, MfaTransaction>()

  constructor(clock: EmulatorClock) {
    this.#clock = clock
  }

  begin(sub: string, finish: Finish): string {
    const token = sealedText()
    this.#open.set(token, { token, sub, expiresAt: this.#clock.now() + MFA_LIFETIME_MS, enrolling: [], finish })
    return token
  }

  /** As the token endpoint looks a token up. */
  forGrant(token: string): MfaTransaction {
    const transaction = this.#open.get(token)
    if (!transaction) throw refusal('malformedMfaToken')
    if (this.#isOver(transaction)) throw refusal('mfaTokenExpired')
    return transaction
  }

  /** As `/mfa/*` does, where unknown and expired are one. */
  forMfaApi(token: string | undefined): MfaTransaction {
    const transaction = this.#open.get(token ?? '')
    if (!transaction || this.#isOver(transaction)) throw refusal('invalidMfaToken')
    return transaction
  }

  spend({ token }: MfaTransaction): void {
    this.#open.delete(token)
  }

  #isOver({ expiresAt }: MfaTransaction): boolean {
    return this.#clock.now() >= expiresAt
  }
}

/** Looks like Auth0's sealed texts. */
export function sealedText(): string {
  return `Fe26.2*${opaqueToken()}${opaqueToken()}`
}
