import type { Answer } from './answer.js'
import { textParam } from './body.js'
import type { Call, Endpoint } from './endpoints.js'
import type { Factor } from './mfa-factors.js'
import { associate } from './mfa-enrollment.js'
import { challengeBody, channelOf, refuseWhereTooManySent } from './mfa-oob.js'
import type { MfaTransaction } from './mfa-transactions.js'
import { refusal, refusalSaying } from './refusal.js'
import type { StoredUser } from './types.js'
import type { World } from './world.js'

/** `/mfa/*`, authenticated with an `mfa_token`. */
export function mfaEndpoints(world: World): [path: string, endpoint: Endpoint][] {
  return [
    ['/mfa/authenticators', { methods: ['GET'], answer: (call) => listAuthenticators(world, call) }],
    [
      '/mfa/associate',
      { methods: ['POST'], answer: (call) => associate(world, loginOfBearer(world, call), call.params) },
    ],
    ['/mfa/challenge', { methods: ['POST'], answer: (call) => challenge(world, call) }],
  ]
}

function loginOfBearer(world: World, { headers }: Call) {
  return loginOf(world, /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1])
}

function loginOf({ mfa, users }: World, token: string | undefined): { transaction: MfaTransaction; user: StoredUser } {
  const transaction = mfa.transactions.forMfaApi(token)
  const user = users.findBySub(transaction.sub)
  if (!user) throw refusal('invalidMfaToken')
  return { transaction, user }
}

function listAuthenticators(world: World, call: Call): Answer {
  const { user } = loginOfBearer(world, call)
  return { status: 200, body: world.mfa.factors.of(user).map(authenticatorOf) }
}

function authenticatorOf(factor: Factor): Record<string, unknown> {
  const { id, type, name, active } = factor
  const channel = channelOf(factor)
  return {
    id,
    authenticator_type: channel === undefined ? type : 'oob',
    active,
    ...(channel !== undefined && { oob_channel: channel }),
    ...(name !== undefined && { name }),
  }
}

/** `POST /mfa/challenge`: authenticates the client; the MFA token is a parameter. */
async function challenge(world: World, call: Call): Promise<Answer> {
  if (!(await world.client.isAuthentic(call))) throw refusal('unauthorized')
  const { transaction, user } = loginOf(world, textParam(call.params, 'mfa_token'))
  const factor = chooseFactor(world.mfa.factors.active(user), call)
  if (factor.type === 'otp') return { status: 200, body: { challenge_type: 'otp' } }
  refuseWhereTooManySent(world, user, factor)
  const issued = world.mfa.challenges.issue(transaction, user, factor)
  return { status: 200, body: { challenge_type: 'oob', ...challengeBody(issued) } }
}

function chooseFactor(active: Factor[], { params }: Call): Factor {
  const usable = active.filter(({ type }) => type !== 'recovery-code')
  if (usable.length === 0) throw refusal('associationRequired')
  const id = textParam(params, 'authenticator_id')
  const named = id === undefined ? usable : usable.filter((factor) => factor.id === id)
  if (named.length === 0) throw refusal('unknownAuthenticator')
  const types = (textParam(params, 'challenge_type') ?? 'otp oob').split(/\s+/)
  const channel = textParam(params, 'oob_channel')
  const chosen = named.find(
    (factor) => types.includes(challengeTypeOf(factor)) && (channel === undefined || channelOf(factor) === channel),
  )
  if (!chosen) throw noCommonType(types, named)
  return chosen
}

function challengeTypeOf({ type }: Factor): 'otp' | 'oob' {
  return type === 'otp' ? 'otp' : 'oob'
}

function noCommonType(requested: string[], available: Factor[]) {
  const offered = [...new Set(available.map(challengeTypeOf))]
  const text = `User does not have any of the requested challenge types. Requested: ${requested.join(', ')}. Available: ${offered.join(', ')}.`
  return refusalSaying(401, 'unsupported_challenge_type', text)
}
