import { randomInt } from 'node:crypto'
import type { Factor } from './mfa-factors.js'
import { MFA_LIFETIME_MS, sealedText, type MfaTransaction } from './mfa-transactions.js'
import type { EmulatorMessage } from './mfa-types.js'
import { refusal } from './refusal.js'
import type { EmulatorClock, StoredUser } from './types.js'

/** Data behind an `oob_code`: a sent code or a push notification. */
export interface OobChallenge {
  readonly oobCode: string
  readonly transaction: MfaTransaction
  readonly factor: Factor
  readonly expiresAt: number
  /** Undefined for a push notification. */
  readonly bindingCode: string | undefined
  push: 'pending' | 'approved' | 'denied'
}

/** Pending codes and notifications. */
export class OobChallenges {
  readonly sent: EmulatorMessage[] = []
  readonly #clock: EmulatorClock
  readonly #open = new Map<string, OobChallenge>()

  constructor(clock: EmulatorClock) {
    this.#clock = clock
  }

  issue(transaction: MfaTransaction, { email }: StoredUser, factor: Factor): OobChallenge {
    const { type, to } = factor
    const channel = type === 'sms' || type === 'voice' || type === 'email' ? type : undefined
    const code = channel && String(randomInt(1_000_000)).padStart(6, '0')
    const at = this.#clock.now()
    if (channel && code !== undefined) this.sent.push({ email, channel, ...(to !== undefined && { to }), code, at })
    const oobCode = sealedText()
    const challenge: OobChallenge = {
      ...{ oobCode, transaction, factor, bindingCode: code, push: 'pending' },
      expiresAt: at + MFA_LIFETIME_MS,
    }
    this.#open.set(oobCode, challenge)
    return challenge
  }

  /** @throws Refusal if the code is unknown, expired, or belongs to another login. */
  find(oobCode: string, transaction: MfaTransaction): OobChallenge {
    const challenge = this.#open.get(oobCode)
    if (!challenge) throw refusal('malformedOobCode')
    if (this.#clock.now() >= challenge.expiresAt) throw refusal('oobCodeExpired')
    if (challenge.transaction !== transaction) throw refusal('foreignOobCode')
    return challenge
  }

  /** The user's newest push notification without a response. */
  pendingPush(sub: string): OobChallenge | undefined {
    const pushes = [...this.#open.values()].filter(({ bindingCode, push }) => !bindingCode && push === 'pending')
    return pushes.filter(({ transaction }) => transaction.sub === sub).at(-1)
  }
}
