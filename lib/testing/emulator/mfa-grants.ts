import { requiredParam, textParam } from './body.js'
import type { Call } from './endpoints.js'
import type { OobChallenge } from './mfa-challenges.js'
import { newRecoveryCode, spendOtp, type Factor } from './mfa-factors.js'
import type { MfaTransaction } from './mfa-transactions.js'
import { missingParameter, refusal } from './refusal.js'
import type { StoredUser } from './types.js'
import type { World } from './world.js'

type TokenAnswer = Record<string, unknown>

/** `mfa-otp`: code from an authenticator app. */
export async function mfaOtpGrant(world: World, { params }: Call): Promise<TokenAnswer> {
  const login = resume(world, requiredParam(params, 'mfa_token'))
  const otp = requiredParam(params, 'otp')
  const { transaction, user } = login
  refuseAfterTooManyCodes(world, user)
  const { factors, clock } = world.mfa
  const factor = factors
    .of(user)
    .filter(({ type }) => type === 'otp')
    .filter((factor) => factor.active || transaction.enrolling.flat().includes(factor))
    .find((factor) => spendOtp(factor, otp, clock.now()))
  if (!factor) throw wrongCode(world, user, 'wrongOtp')
  return complete(world, login, factor)
}

/** `mfa-oob`: a sent code, or polling for a push notification. */
export async function mfaOobGrant(world: World, { params }: Call): Promise<TokenAnswer> {
  const login = resume(world, requiredParam(params, 'mfa_token'))
  const challenge = world.mfa.challenges.find(requiredParam(params, 'oob_code'), login.transaction)
  if (challenge.bindingCode === undefined) checkPush(world, challenge)
  else
    checkBindingCode(world, login.user, { expected: challenge.bindingCode, given: textParam(params, 'binding_code') })
  return complete(world, login, challenge.factor)
}

/** `mfa-recovery-code`: the response contains the next code. */
export async function mfaRecoveryCodeGrant(world: World, { params }: Call): Promise<TokenAnswer> {
  const login = resume(world, requiredParam(params, 'mfa_token'))
  const code = requiredParam(params, 'recovery_code')
  const { user } = login
  refuseAfterTooManyCodes(world, user)
  const factor = world.mfa.factors.active(user).find(({ type, secret }) => type === 'recovery-code' && secret === code)
  if (!factor) throw wrongCode(world, user, 'wrongRecoveryCode')
  factor.secret = newRecoveryCode()
  return { ...(await complete(world, login, factor)), recovery_code: factor.secret }
}

interface WaitingLogin {
  transaction: MfaTransaction
  user: StoredUser
}

function resume({ mfa, users }: World, token: string): WaitingLogin {
  const transaction = mfa.transactions.forGrant(token)
  const user = users.findBySub(transaction.sub)
  if (!user) throw refusal('malformedMfaToken')
  if (user.blocked) throw refusal('userBlocked')
  return { transaction, user }
}

/** Consumes the token before the first await, so that only one of two concurrent requests succeeds. */
function complete(world: World, { transaction, user }: WaitingLogin, used: Factor): Promise<TokenAnswer> {
  world.mfa.transactions.spend(transaction)
  const enrolled = transaction.enrolling.find((factors) => factors.includes(used)) ?? []
  for (const factor of enrolled) factor.active = true
  return transaction.finish(user)
}

function refuseAfterTooManyCodes({ mfa }: World, { sub }: StoredUser): void {
  if (mfa.allowances.wrongCodes.isSpent(sub)) throw refusal('tooManyFailedCodes')
}

function wrongCode(
  { mfa }: World,
  { sub }: StoredUser,
  row: 'wrongOtp' | 'wrongBindingCode' | 'wrongRecoveryCode',
): Error {
  mfa.allowances.wrongCodes.take(sub)
  return refusal(row)
}

function checkPush({ mfa }: World, { push, oobCode }: OobChallenge): void {
  if (push === 'denied') throw refusal('pushDenied')
  if (!mfa.allowances.polls.take(oobCode)) throw refusal('pollingTooFast')
  if (push === 'pending') throw refusal('pushPending')
}

function checkBindingCode(
  world: World,
  user: StoredUser,
  { expected, given }: { expected: string; given: string | undefined },
): void {
  if (given === undefined) throw missingParameter('binding_code')
  refuseAfterTooManyCodes(world, user)
  if (given !== expected) throw wrongCode(world, user, 'wrongBindingCode')
}
