import type { OobChallenge } from './mfa-challenges.js'
import type { Factor } from './mfa-factors.js'
import type { EmulatorMfaControls } from './mfa-types.js'
import { totpCode, totpPeriod } from './totp.js'
import type { StoredUser } from './types.js'
import type { World } from './world.js'

/** Stands in for the user's phone. */
export function mfaControls(world: World): EmulatorMfaControls {
  const { clock, challenges } = world.mfa
  const codeOf = (secret: string) => totpCode(secret, totpPeriod(clock.now()))
  return {
    code: (email) => codeOf(secretOf(world, email, 'otp')),
    enrollCode: codeOf,
    sent: challenges.sent,
    recoveryCode: (email) => secretOf(world, email, 'recovery-code'),
    approvePush: (email) => answerPush(world, email, 'approved'),
    denyPush: (email) => answerPush(world, email, 'denied'),
  }
}

function secretOf(world: World, email: string, type: Factor['type']): string {
  const factor = world.mfa.factors.active(userOf(world, email)).find((factor) => factor.type === type)
  if (!factor) throw new Error(`${email} has no active factor of the type ${type} in the emulator`)
  return factor.secret
}

function answerPush(world: World, email: string, answer: OobChallenge['push']): void {
  const challenge = world.mfa.challenges.pendingPush(userOf(world, email).sub)
  if (!challenge) throw new Error(`${email} has no push notification to answer in the emulator`)
  challenge.push = answer
}

function userOf({ users }: World, email: string): StoredUser {
  const user = users.get(email)
  if (!user) throw new Error(`the emulator has no user ${email}`)
  return user
}
