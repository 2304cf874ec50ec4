import {
  requestPasswordReset,
  signUp,
  type PasswordResetArguments,
  type SignedUp,
  type SignUpArguments,
} from './database-connections.js'
import {
  challengeMfa,
  enrollMfa,
  listAuthenticators,
  type MfaAuthenticator,
  type MfaChallenge,
  type MfaChallengeArguments,
  type MfaEnrollArguments,
  type MfaEnrollment,
} from './mfa.js'
import { passwordGrant, type PasswordGrantArguments } from './password-grant.js'
import { refreshGrant, type RefreshGrantArguments } from './refresh-grant.js'
import { revokeRefreshToken } from './revocation.js'
import type { Grant } from './token-response.js'
import type { GrantParts } from './verified-grant.js'
import { verifyMfa, type MfaGrant, type VerifyMfaArguments } from './verify-mfa.js'

/** The protocol without sessions. */
export interface RopgClient {
  /** Password grant. Rejects with `TokenByPasswordError`, `MissingRequiredArgumentError`, `ApiError`, or `ConfigurationError`. */
  getTokenByPassword: (input: PasswordGrantArguments) => Promise<Grant>
  /** Refresh grant. Rejects with `session_expired` if Auth0 refuses the token for good. */
  refresh: (input: RefreshGrantArguments) => Promise<Grant>
  /** Revokes a refresh token and its rotation family. */
  revoke: (refreshToken: string) => Promise<void>
  /** Auth0's MFA API, for the `mfaToken` of an `MfaRequiredError`. */
  mfa: RopgMfaClient
  /** Creates an account. Rejects with `signup_rejected` or `weak_password`. */
  signUp: (input: SignUpArguments) => Promise<SignedUp>
  /** Requests a password reset email from Auth0. Also resolves for unknown addresses. */
  requestPasswordReset: (input: PasswordResetArguments) => Promise<void>
}

/** Auth0's MFA API. Every method rejects with `mfa_expired` if the `mfaToken` is no longer valid. */
export interface RopgMfaClient {
  /** Lists the user's active authenticators. */
  authenticators: (mfaToken: string) => Promise<MfaAuthenticator[]>
  /** Sends a code or a push notification. */
  challenge: (input: MfaChallengeArguments) => Promise<MfaChallenge>
  /** Starts the enrollment of a first factor, to be confirmed with `verify`. */
  enroll: (input: MfaEnrollArguments) => Promise<MfaEnrollment>
  /** Rejects with `invalid_mfa_code` or `mfa_denied`, and with `mfa_pending` until a push notification is answered. */
  verify: (input: VerifyMfaArguments) => Promise<MfaGrant>
}

export function createRopgClient(password: GrantParts): RopgClient {
  const { client: auth0, config } = password
  return {
    getTokenByPassword: (input) => passwordGrant(password, input),
    refresh: (input) => refreshGrant(auth0, config, input),
    revoke: (refreshToken) => revokeRefreshToken(auth0, refreshToken),
    mfa: {
      authenticators: (mfaToken) => listAuthenticators(password, mfaToken),
      challenge: (input) => challengeMfa(password, input),
      enroll: (input) => enrollMfa(password, input),
      verify: (input) => verifyMfa(password, input),
    },
    signUp: (input) => signUp(password, input),
    requestPasswordReset: (input) => requestPasswordReset(password, input),
  }
}
