import type { Answer } from './answer.js'

/** An Auth0 error response, thrown as an exception. */
export class Refusal extends Error {
  readonly answer: Answer

  constructor(status: number, body: Record<string, unknown>, headers: Record<string, string> = {}) {
    super(`${status} ${JSON.stringify(body)}`)
    this.name = 'Refusal'
    this.answer = { status, body, headers }
  }
}

type Row = readonly [status: number, error: string, description: string]

/** Auth0 errors with a fixed message. */
const ROWS = {
  wrongPassword: [403, 'invalid_grant', 'Wrong email or password.'],
  invalidCode: [403, 'invalid_grant', 'Invalid authorization code'],
  wrongCodeVerifier: [403, 'invalid_grant', 'Failed to verify code verifier'],
  loginRequired: [403, 'login_required', 'Login required'],
  unsupportedResponseType: [400, 'unsupported_response_type', 'Unsupported response type'],
  codeNotAllowed: [403, 'unauthorized_client', "Grant type 'authorization_code' not allowed for the client."],
  userBlocked: [401, 'unauthorized', 'user is blocked'],
  accountLocked: [
    429,
    'too_many_attempts',
    "Your account has been blocked after multiple consecutive login attempts. We've sent you a notification via your " +
      'preferred contact method with instructions on how to unblock it.',
  ],
  suspiciousAddress: [
    429,
    'too_many_attempts',
    'We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator.',
  ],
  tooManyLogins: [429, 'too_many_logins', 'Too many logins with the same username or email.'],
  passwordLeaked: [
    401,
    'password_leaked',
    "This login attempt has been blocked because the password you're using was previously disclosed through a data " +
      'breach (not in this application). Please check your email for more information.',
  ],
  requiresVerification: [401, 'requires_verification', 'Suspicious request requires verification'],
  passwordExpired: [401, 'password_expired', 'Password has expired.'],
  passwordChangeRequired: [401, 'password_change_required', 'Password change required.'],
  interactionRequired: [403, 'interaction_required', 'Interaction required'],
  noDefaultDirectory: [500, 'server_error', 'Authorization server not configured with default connection.'],
  badScope: [400, 'invalid_scope', 'Scope must be an array or a string'],
  unauthorized: [401, 'access_denied', 'Unauthorized'],
  unknownRefreshToken: [403, 'invalid_grant', 'Unknown or invalid refresh token.'],
  userGone: [403, 'invalid_grant', "The refresh_token was generated for a user who doesn't exist anymore."],
  blockedOnRefresh: [403, 'invalid_grant', 'user is blocked'],
  wrongOtp: [401, 'invalid_grant', 'Invalid otp_code.'],
  wrongBindingCode: [401, 'invalid_grant', 'Invalid binding_code.'],
  wrongRecoveryCode: [401, 'invalid_grant', 'MFA Authorization rejected.'],
  tooManyFailedCodes: [400, 'invalid_request', 'Too many failed codes. Wait for some minutes before retrying.'],
  pushDenied: [400, 'access_denied', 'MFA Authorization rejected.'],
  pushPending: [400, 'authorization_pending', 'Authorization pending: please repeat the request in a few seconds.'],
  pollingTooFast: [400, 'slow_down', 'You are polling faster than allowed.'],
  mfaTokenExpired: [401, 'expired_token', 'mfa_token is expired'],
  malformedMfaToken: [401, 'invalid_grant', 'Malformed mfa_token'],
  invalidMfaToken: [401, 'invalid_grant', 'The mfa_token provided is invalid. Try getting a new token.'],
  oobCodeExpired: [403, 'expired_token', 'oob_code is expired'],
  malformedOobCode: [401, 'invalid_grant', 'Malformed oob_code'],
  foreignOobCode: [400, 'invalid_request', "The oob_code doesn't match the mfa_token"],
  badPhoneNumber: [400, 'invalid_request', 'The phone number is invalid.'],
  alreadyEnrolled: [403, 'access_denied', 'User is already enrolled.'],
  associationRequired: [400, 'association_required', 'User is not enrolled with guardian'],
  unknownAuthenticator: [400, 'invalid_request', 'Unknown authenticator_id'],
  badJson: [400, 'invalid_request', 'The request body is not valid JSON.'],
  bodyTooLarge: [413, 'invalid_request', 'request entity too large'],
} as const satisfies Record<string, Row>

export function refusal(row: keyof typeof ROWS): Refusal {
  const [status, error, description] = ROWS[row]
  return refusalSaying(status, error, description)
}

export function refusalSaying(status: number, error: string, description: string): Refusal {
  return new Refusal(status, { error, error_description: description })
}

export function missingParameter(name: string): Refusal {
  return refusalSaying(400, 'invalid_request', `Missing required parameter: ${name}`)
}
