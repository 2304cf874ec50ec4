import { plainAddress } from '../ip-address.js'
import { MissingRequiredArgumentError } from '../errors.js'
import type { Config } from '../options/options.js'
import { definedOnly, optionalText, requiredText } from './arguments.js'
import { amongLogins } from './at-once.js'
import { FORWARDED_FOR } from './client.js'
import type { MfaParts } from './mfa.js'
import type { Grant } from './token-response.js'
import { verifiedGrant, type GrantRequest } from './verified-grant.js'

const GRANT = 'http://auth0.com/oauth/grant-type/mfa-'

/** Proof of the second factor. */
export type MfaProof =
  | { otp: string }
  /** `bindingCode` is the code that was sent. Without it, the call polls for a push notification. */
  | { oobCode: string; bindingCode?: string | undefined }
  | { recoveryCode: string }

export type VerifyMfaArguments = MfaProof & {
  mfaToken: string
  /** Audience of the original login. Not sent, because `mfaToken` implies it. Default: the `audience` option. */
  audience?: string | undefined
  /** Scope of the original login, also not sent. Default: the `scope` option. */
  scope?: string | undefined
  /** The end user's IP address, as for a password grant. */
  auth0ForwardedFor?: string | undefined
}

/** `recoveryCode` is the user's new recovery code, if one was used. */
export type MfaGrant = Grant & { recoveryCode?: string }

/** Completes the login or refresh that `mfaToken` belongs to. Rejects with `mfa_pending` until a push is answered. */
export async function verifyMfa(parts: MfaParts, given: VerifyMfaArguments): Promise<MfaGrant> {
  const { mfaToken, kind, proof, requested, address } = readArguments(parts.config, given)
  const request: GrantRequest = {
    grantType: GRANT + kind,
    parameters: definedOnly({ mfa_token: mfaToken, ...proof, [FORWARDED_FOR]: address }),
    requested,
    step: kind === 'oob' && proof.binding_code === undefined ? 'mfa push' : 'mfa',
    conceal: [mfaToken, ...Object.values(proof)],
  }
  const { grant, response } = await amongLogins(() => verifiedGrant(parts, request))
  const { recovery_code: recoveryCode } = response
  return typeof recoveryCode === 'string' ? { ...grant, recoveryCode } : grant
}

/** Validated at run time, for callers in JavaScript. */
type Given = Partial<Record<keyof VerifyMfaArguments | 'otp' | 'oobCode' | 'bindingCode' | 'recoveryCode', unknown>>

function readArguments(config: Config, given: Given | undefined) {
  const { mfaToken, audience, scope, auth0ForwardedFor, ...proof } = given ?? {}
  const address = optionalText('auth0ForwardedFor', auth0ForwardedFor)
  return {
    mfaToken: requiredText('mfaToken', mfaToken),
    ...proofOf(proof),
    requested: {
      audience: optionalText('audience', audience) ?? config.audience,
      scope: optionalText('scope', scope) ?? config.scope,
    },
    address: config.forwardClientIp && address !== undefined ? plainAddress(address) : undefined,
  }
}

interface Proof {
  kind: 'otp' | 'oob' | 'recovery-code'
  proof: Record<string, string | undefined>
}

function proofOf(given: Given): Proof {
  const otp = optionalText('otp', given.otp)
  if (otp !== undefined) return { kind: 'otp', proof: { otp } }
  const recovery_code = optionalText('recoveryCode', given.recoveryCode)
  if (recovery_code !== undefined) return { kind: 'recovery-code', proof: { recovery_code } }
  const oob_code = optionalText('oobCode', given.oobCode)
  if (oob_code === undefined) throw new MissingRequiredArgumentError('otp')
  return { kind: 'oob', proof: { oob_code, binding_code: optionalText('bindingCode', given.bindingCode) } }
}
