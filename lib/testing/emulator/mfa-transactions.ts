import type { Factor } from './mfa-factors.js'
import { refusal } from './refusal.js'
import { opaqueToken } from './token-minter.js'
import type { EmulatorClock, StoredUser } from './types.js'

export const MFA_LIFETIME_MS = 300_000

/** Issues the tokens of the login or refresh that is waiting for a second factor. */
export type Finish = (user: StoredUser) => Promise<Record<string, unknown>>

/** Data behind an `mfa_token`. */
export interface MfaTransaction {
  readonly token: string
  readonly sub: string
  readonly expiresAt: number
  /** Factors enrolled during the login, each with the ones that its first code activates. */
  readonly enrolling: Factor[][]
  readonly finish: Finish
}

/** Logins waiting for a second factor. */
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

  /** Lookup at the token endpoint. */
  forGrant(token: string): MfaTransaction {
    const transaction = this.#open.get(token)
    if (!transaction) throw refusal('malformedMfaToken')
    if (this.#isOver(transaction)) throw refusal('mfaTokenExpired')
    return transaction
  }

  /** Lookup at `/mfa/*`, where unknown and expired tokens get the same error. */
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

/** Same format as Auth0's encrypted tokens. */
export function sealedText(): string {
  return `Fe26.2*${opaqueToken()}${opaqueToken()}`
}
