import type { MfaProof } from '../auth0/verify-mfa.js'
import { AuthError } from '../errors.js'
import type { MfaLogin } from '../pending/mfa-logins.js'

/** Proof of the second factor, as a request brings it. `{}` asks for the answer to a push notification. */
export type Proof = { otp: string } | { bindingCode: string } | { recoveryCode: string } | Record<string, never>

/** The order of the steps: a code that was sent needs the challenge that sent it. */
export function proofOf(proof: Proof, login: Pick<MfaLogin, 'oobCode' | 'prompts'>): MfaProof {
  if ('otp' in proof || 'recoveryCode' in proof) return proof as MfaProof
  const { oobCode, prompts } = login
  if (oobCode === undefined) throw invalid('body', 'call /mfa/challenge first, or send otp or recovery_code')
  if (!('bindingCode' in proof)) {
    if (prompts) throw invalid('binding_code', 'is required')
    return { oobCode }
  }
  return { oobCode, bindingCode: proof.bindingCode }
}

function invalid(field: string, reason: string): AuthError {
  return new AuthError('invalid_request', { body: { fields: { [field]: reason } } })
}
