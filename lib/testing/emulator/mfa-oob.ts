import type { OobChallenge } from './mfa-challenges.js'
import type { Factor } from './mfa-factors.js'
import { refusalSaying } from './refusal.js'
import type { StoredUser } from './types.js'
import type { World } from './world.js'

export type OobType = 'sms' | 'voice' | 'email' | 'push'

/** `oob_channel` values. Auth0 names the push channel after its own app. */
export function channelOf({ type }: Pick<Factor, 'type'>): string | undefined {
  if (type === 'push') return 'auth0'
  return isOob(type) ? type : undefined
}

function isOob(type: Factor['type']): type is OobType {
  return type !== 'otp' && type !== 'recovery-code'
}

export function challengeBody({ oobCode, bindingCode }: OobChallenge): Record<string, unknown> {
  return { oob_code: oobCode, ...(bindingCode !== undefined && { binding_method: 'prompt' }) }
}

const SENT = {
  sms: ['phone', 'SMS'],
  voice: ['phone', 'SMS'],
  email: ['email', 'emails'],
  push: ['push', 'push notifications'],
} as const

export function refuseWhereTooManySent({ mfa }: World, { sub }: StoredUser, { type }: Factor): void {
  if (!isOob(type)) return
  const [allowance, what] = SENT[type]
  if (mfa.allowances[allowance].take(sub)) return
  throw refusalSaying(
    400,
    'invalid_request',
    `Too many ${what} sent by the user. Wait for some minutes before retrying.`,
  )
}
