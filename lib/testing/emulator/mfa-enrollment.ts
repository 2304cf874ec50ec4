import type { Answer } from './answer.js'
import { textParam, type Params } from './body.js'
import { createFactor, type Factor, type NewFactor } from './mfa-factors.js'
import { challengeBody, channelOf, refuseWhereTooManySent, type OobType } from './mfa-oob.js'
import { sealedText, type MfaTransaction } from './mfa-transactions.js'
import { missingParameter, refusal } from './refusal.js'
import type { StoredUser } from './types.js'
import type { World } from './world.js'

interface Login {
  transaction: MfaTransaction
  user: StoredUser
}

/** `POST /mfa/associate`: an `mfa_token` allows this only for users without a factor. */
export function associate(world: World, { transaction, user }: Login, params: Params): Answer {
  if (world.mfa.factors.active(user).length > 0) throw refusal('alreadyEnrolled')
  const [factor, ...others] = wantedFactors(params, user).map((wanted) => createFactor({ ...wanted, active: false }))
  if (!factor) throw missingParameter('authenticator_types')
  refuseWhereTooManySent(world, user, factor)
  const known = world.mfa.factors.of(user)
  const waiting = known.find(({ type }) => type === 'recovery-code')
  const recovery = waiting ?? createFactor({ type: 'recovery-code', active: false })
  known.push(factor, ...others, ...(waiting ? [] : [recovery]))
  transaction.enrolling.push([factor, ...others, recovery])
  const detail = factor.type === 'otp' ? otpBody(world, user, factor) : oobBody(world, { transaction, user }, factor)
  // Only the first factor comes with recovery codes.
  return { status: 200, body: { ...detail, ...(!waiting && { recovery_codes: [recovery.secret] }) } }
}

/** The requested factor, and the one that Auth0 creates along with it. */
function wantedFactors(params: Params, user: StoredUser): NewFactor[] {
  const [type] = listParam(params, 'authenticator_types')
  if (type === 'otp') return [{ type }]
  if (type !== 'oob') throw missingParameter('authenticator_types')
  const [channel] = listParam(params, 'oob_channels')
  if (channel === 'auth0') return [{ type: 'push' }, { type: 'otp' }]
  if (channel === 'email') return [{ type: channel, to: textParam(params, 'email') ?? user.email }]
  if (channel !== 'sms' && channel !== 'voice') throw missingParameter('oob_channels')
  const to = phoneNumber(params)
  return channel === 'sms' ? [phone('sms', to), phone('voice', to)] : [phone('voice', to), phone('sms', to)]
}

function phone(type: OobType, to: string): NewFactor {
  return { type, to }
}

function listParam(params: Params, name: string): unknown[] {
  const value = params[name]
  return Array.isArray(value) ? value : []
}

const E164 = /^\+[1-9]\d{6,14}$/

function phoneNumber(params: Params): string {
  const number = textParam(params, 'phone_number')
  if (number === undefined) throw missingParameter('phone_number')
  if (!E164.test(number)) throw refusal('badPhoneNumber')
  return number
}

function otpBody({ issuer }: World, { email }: StoredUser, { secret }: Factor): Record<string, unknown> {
  const query = new URLSearchParams({ secret, issuer, algorithm: 'SHA1', digits: '6', period: '30' })
  return { authenticator_type: 'otp', secret, barcode_uri: `${otpauth(email)}?${query.toString()}` }
}

function oobBody(world: World, { transaction, user }: Login, factor: Factor): Record<string, unknown> {
  const challenge = challengeBody(world.mfa.challenges.issue(transaction, user, factor))
  const query = new URLSearchParams({ enrollment_tx_id: sealedText(), base_url: world.issuer })
  return {
    authenticator_type: 'oob',
    oob_channel: channelOf(factor),
    ...challenge,
    ...(factor.type === 'push' && { barcode_uri: `${otpauth(user.email)}?${query.toString()}` }),
  }
}

function otpauth(email: string): string {
  return `otpauth://totp/emulator:${encodeURIComponent(email)}`
}
