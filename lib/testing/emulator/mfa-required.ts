import type { Finish } from './mfa-transactions.js'
import { Refusal } from './refusal.js'
import type { StoredUser } from './types.js'
import type { World } from './world.js'

/** Factor names in `mfa_requirements`. */
const REQUIREMENT_TYPES = {
  otp: 'otp',
  sms: 'phone',
  voice: 'phone',
  email: 'email',
  push: 'push-notification',
  'recovery-code': 'recovery-code',
} as const

/** Email cannot be enrolled, only challenged. */
const ENROLLABLE = ['otp', 'phone', 'push-notification']

/** The 403 response that asks for a second factor. `finish` completes the login. */
export function mfaRequired(world: World, user: StoredUser, finish: Finish): Refusal {
  const requirements = requirementsOf(world, user)
  return new Refusal(403, {
    error: 'mfa_required',
    error_description: 'Multifactor authentication required',
    mfa_token: world.mfa.transactions.begin(user.sub, finish),
    ...(requirements !== null && { mfa_requirements: requirements }),
  })
}

function requirementsOf({ mfa }: World, user: StoredUser): unknown {
  if (typeof user.mfa === 'object' && user.mfa.requirements !== undefined) return user.mfa.requirements
  const challenge = mfa.factors.active(user).map(({ type }) => REQUIREMENT_TYPES[type])
  return challenge.length > 0 ? { challenge: named(challenge) } : { enroll: named(ENROLLABLE) }
}

function named(types: readonly string[]): { type: string }[] {
  return [...new Set(types)].map((type) => ({ type }))
}
