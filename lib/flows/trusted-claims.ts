import type { VerifySignature } from '../auth0/id-token.js'
import type { Grant } from '../auth0/token-response.js'
import { endsWithin } from '../deadline.js'
import type { Hint } from '../events.js'

export interface TrustParts {
  password: { verify: VerifySignature }
  hint: Hint
}

/** Milliseconds. The new tokens are not stored yet, and a crash would lose them. */
const VERIFY_WITHIN = 500

const UNVERIFIED =
  'the signature of a refreshed ID token could not be verified, so the session keeps its old user data: check that ' +
  'this server can fetch the keys of the tenant (jwks_uri)'

/** Without its claims if the signature is wrong or the keys are not available. The tokens must not be lost. */
export async function trusted({ password, hint }: TrustParts, grant: Grant): Promise<Grant> {
  if (grant.idToken === undefined) return grant
  const isVerified = await endsWithin(VERIFY_WITHIN, password.verify(grant.idToken)).catch(() => false)
  if (isVerified) return grant
  hint('id token', UNVERIFIED)
  const { claims: _claims, ...tokens } = grant
  return tokens
}
