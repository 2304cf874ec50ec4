import { ApiError } from '../errors.js'
import { definedOnly, optionalText, requiredText } from './arguments.js'
import { callMfaApi } from './mfa-api.js'
import type { GrantParts } from './verified-grant.js'

export type MfaParts = GrantParts

export type MfaFactor = 'otp' | 'sms' | 'voice' | 'email' | 'push' | 'recovery-code'

export interface MfaAuthenticator {
  id: string
  type: MfaFactor
  /** Auth0's `oob_channel`: `sms`, `voice`, `email`, or `auth0` for push. */
  channel?: string
  /** Phone number or address, masked by Auth0: `XXXXXXXXX9167`. */
  name?: string
}

export interface MfaChallengeArguments {
  mfaToken: string
  /** Default: any of the user's authenticators. */
  authenticatorId?: string | undefined
  type?: Exclude<MfaFactor, 'recovery-code'> | undefined
}

export interface MfaChallenge {
  challengeType: 'otp' | 'oob'
  /** For `verifyMfa`. A secret: keep it on the server. */
  oobCode?: string
  /** `prompt` if the user has to enter the code that was sent. Absent for push. */
  bindingMethod?: string
}

export interface MfaEnrollArguments {
  mfaToken: string
  type: Exclude<MfaFactor, 'recovery-code'>
  /** For SMS and voice, in E.164 format: `+15550100`. */
  phoneNumber?: string | undefined
  /** For email. */
  email?: string | undefined
}

export interface MfaEnrollment {
  /** Base32, for typing into an authenticator app. */
  secret?: string
  /** For a QR code. */
  otpauthUri?: string
  /** Returned with the user's first factor only. Show them once. */
  recoveryCodes?: string[]
  bindingMethod?: string
  oobCode?: string
}

/** Lists the user's active authenticators. If there are none, the user has to enroll one. */
export async function listAuthenticators(parts: MfaParts, mfaToken: string): Promise<MfaAuthenticator[]> {
  const body = await callMfaApi(parts, { path: 'authenticators', mfaToken: requiredText('mfaToken', mfaToken) })
  if (!Array.isArray(body)) throw malformed('authenticators')
  const found = body.map(membersOf).filter(({ active }) => active === true)
  const known = found.map(authenticatorOf).filter((authenticator) => authenticator !== undefined)
  return [...new Map(known.map((authenticator) => [authenticator.id, authenticator])).values()]
}

/** Sends a code or a push notification. Authenticator apps do not need a challenge. */
export async function challengeMfa(parts: MfaParts, given: MfaChallengeArguments): Promise<MfaChallenge> {
  const { mfaToken, body } = readChallenge(given)
  const answer = membersOf(await callMfaApi(parts, { path: 'challenge', mfaToken, body }))
  const challengeType = answer.challenge_type
  if (challengeType === 'otp') return { challengeType }
  if (challengeType !== 'oob' || textOf(answer.oob_code) === undefined) throw malformed('challenge')
  return { challengeType, ...oobMembers(answer) }
}

/** Starts an enrollment, to be confirmed with `verifyMfa`. Only for users without an active factor. */
export async function enrollMfa(parts: MfaParts, given: MfaEnrollArguments): Promise<MfaEnrollment> {
  const { mfaToken, body } = readEnrollment(given)
  const answer = membersOf(await callMfaApi(parts, { path: 'associate', mfaToken, body }))
  if (textOf(answer.secret) === undefined && textOf(answer.oob_code) === undefined) throw malformed('associate')
  return enrollmentOf(answer)
}

/** Validates at run time, for callers in JavaScript. */
function readChallenge(given: Partial<MfaChallengeArguments> | undefined) {
  const { mfaToken, type, authenticatorId } = given ?? {}
  const factor = optionalText('type', type)
  const wanted = factor === undefined ? {} : { challenge_type: challengeTypeOf(factor), oob_channel: channelOf(factor) }
  const authenticator_id = optionalText('authenticatorId', authenticatorId)
  return { mfaToken: requiredText('mfaToken', mfaToken), body: definedOnly({ ...wanted, authenticator_id }) }
}

function readEnrollment(given: Partial<MfaEnrollArguments> | undefined) {
  const { mfaToken, type, phoneNumber, email } = given ?? {}
  const factor = requiredText('type', type)
  const channel = channelOf(factor)
  const contact = { phone_number: optionalText('phoneNumber', phoneNumber), email: optionalText('email', email) }
  const channels = channel === undefined ? {} : { oob_channels: [channel] }
  const body = { authenticator_types: [challengeTypeOf(factor)], ...channels, ...definedOnly(contact) }
  return { mfaToken: requiredText('mfaToken', mfaToken), body }
}

function enrollmentOf(answer: Members): MfaEnrollment {
  const { recovery_codes } = answer
  const recoveryCodes = Array.isArray(recovery_codes) ? recovery_codes.filter((code) => typeof code === 'string') : []
  return {
    ...texts({ secret: answer.secret, otpauthUri: answer.barcode_uri }),
    ...oobMembers(answer),
    ...(recoveryCodes.length > 0 && { recoveryCodes }),
  }
}

/** Undefined for unsupported types, such as security keys. */
function authenticatorOf(listed: Members): MfaAuthenticator | undefined {
  const id = textOf(listed.id)
  const type = factorOf(listed)
  if (id === undefined || type === undefined) return undefined
  return { id, type, ...texts({ channel: listed.oob_channel, name: listed.name }) }
}

function factorOf({ authenticator_type, oob_channel }: Members): MfaFactor | undefined {
  if (authenticator_type === 'otp' || authenticator_type === 'recovery-code') return authenticator_type
  return authenticator_type === 'oob' ? OOB_FACTORS.find((factor) => channelOf(factor) === oob_channel) : undefined
}

const OOB_FACTORS = ['sms', 'voice', 'email', 'push'] as const

/** Auth0 calls the channel of push notifications `auth0`. */
function channelOf(type: string): string | undefined {
  if (type === 'otp') return undefined
  return type === 'push' ? 'auth0' : type
}

function challengeTypeOf(type: string): 'otp' | 'oob' {
  return type === 'otp' ? 'otp' : 'oob'
}

function oobMembers({ oob_code, binding_method }: Members): Pick<MfaChallenge, 'oobCode' | 'bindingMethod'> {
  return texts({ oobCode: oob_code, bindingMethod: binding_method })
}

type Members = Record<string, unknown>

function membersOf(value: unknown): Members {
  return Object(value) as Members
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function texts<Name extends string>(values: Record<Name, unknown>): Partial<Record<Name, string>> {
  const found = Object.entries(values).filter(([, value]) => textOf(value) !== undefined)
  return Object.fromEntries(found) as Partial<Record<Name, string>>
}

function malformed(path: string): ApiError {
  return new ApiError({ detail: `Auth0's response to /mfa/${path} is not a valid MFA API response` })
}
