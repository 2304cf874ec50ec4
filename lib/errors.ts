/**
 * All error codes, with their HTTP status and public message. Responses contain nothing else except the members of
 * {@link PublicDetails}.
 */
export const ERRORS = {
  mfa_pending: [202, 'Waiting for the sign-in to be approved.'],
  invalid_request: [400, 'The request is missing a field or contains an invalid value.'],
  https_required: [400, 'This request requires HTTPS.'],
  login_transaction_missing: [400, 'This login attempt has expired. Please start again.'],
  signup_rejected: [400, 'The account could not be created.'],
  weak_password: [400, 'Please choose a stronger password.'],
  unauthenticated: [401, 'Please log in to continue.'],
  reauthentication_required: [401, 'Please confirm your password to continue.'],
  session_expired: [401, 'Your session has expired. Please log in again.'],
  invalid_credentials: [401, 'Incorrect email or password.'],
  invalid_mfa_code: [401, 'Incorrect verification code.'],
  mfa_expired: [401, 'Verification failed or timed out. Please log in again.'],
  cross_site_request: [403, 'This request came from a different site and was blocked.'],
  forbidden: [403, 'You do not have permission to do this.'],
  insufficient_scope: [403, 'You do not have permission to do this.'],
  mfa_required: [403, 'Two-step verification is required for this account.'],
  mfa_denied: [403, 'Two-step verification was denied.'],
  interaction_required: [403, 'Please continue on the login page.'],
  account_blocked: [403, 'This account has been blocked.'],
  password_leaked: [403, 'This password appeared in a data breach. Please reset your password.'],
  password_change_required: [403, 'You need to change your password before logging in.'],
  access_denied: [403, 'You are not allowed to log in.'],
  method_not_allowed: [405, 'Method not allowed.'],
  payload_too_large: [413, 'The request is too large.'],
  unsupported_media_type: [415, 'This request must be sent as JSON or as a form.'],
  too_many_attempts: [429, 'Too many failed attempts. Please try again later or reset your password.'],
  rate_limited: [429, 'Too many attempts. Please try again later.'],
  configuration_error: [500, 'Login is currently unavailable.'],
  internal_error: [500, 'Something went wrong.'],
  auth_unavailable: [503, 'Login is temporarily unavailable. Please try again in a moment.'],
  session_unavailable: [503, 'The service is temporarily unavailable. Please try again in a moment.'],
} as const satisfies Record<string, readonly [status: number, message: string]>

/** All values of `error` in responses and of `code` in an {@link AuthError}. */
export type AuthErrorCode = keyof typeof ERRORS

/** Members of an error response besides `error` and `message`. */
export interface PublicDetails {
  /** Field name -> reason. Never a value. */
  fields?: Partial<Record<string, string>>
  /** The scopes that the route requires, separated by spaces. */
  scope?: string
  /** Where to continue with interactive login. */
  login_url?: string
  /** Where the user can recover the account. */
  recovery_url?: string
  /** The reason given by an Action. Present only with `exposeDeniedReason`. */
  reason?: string
  /** Members that `onLogin` adds when it refuses a login. */
  [member: string]: unknown
}

/** Auth0's response, for events and logs only. */
export interface Auth0Answer {
  status: number
  error?: string
  description?: string
}

export interface AuthErrorInit {
  /** For operators. Responses and `message` use the public message from {@link ERRORS}. */
  detail?: string
  /** Replaces the public message, for errors that never reach a client. */
  message?: string
  headers?: Record<string, string>
  body?: PublicDetails
  auth0?: Auth0Answer
}

/**
 * Base class of all errors of this package. Use `code` to distinguish them. `message` is safe to send to clients, and
 * `detail` is for operators.
 */
export class AuthError extends Error {
  override readonly name: string = 'AuthError'
  readonly code: AuthErrorCode
  /** HTTP status of the response. */
  readonly status: number
  /** HTTP headers of the response, such as `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>
  /** Public members of the response besides `error` and `message`. */
  readonly body: Readonly<PublicDetails>
  // Private, so that printing or spreading an error does not reveal them.
  readonly #detail: string | undefined
  readonly #auth0: Readonly<Auth0Answer> | undefined

  constructor(code: AuthErrorCode, init: AuthErrorInit = {}) {
    super(init.message ?? ERRORS[code][1])
    this.code = code
    this.status = ERRORS[code][0]
    this.headers = { ...init.headers }
    this.body = { ...init.body }
    this.#detail = init.detail
    this.#auth0 = init.auth0
  }

  /** What happened and what to change, for operators. Not enumerable. Default: the message. */
  get detail(): string {
    return this.#detail ?? this.message
  }

  /** Auth0's response, for operators. Not enumerable. */
  get auth0(): Readonly<Auth0Answer> | undefined {
    return this.#auth0
  }

  /** The body of the response, with public members only. */
  toJSON(): { success: false; error: AuthErrorCode; message: string } & PublicDetails {
    return { ...this.body, success: false, error: this.code, message: ERRORS[this.code][1] }
  }
}

/** Thrown if Auth0 refuses a password login. `code` is the reason. */
export class TokenByPasswordError extends AuthError {
  override readonly name: string = 'TokenByPasswordError'
}

/** The factors that Auth0 accepts, by its names: `otp`, `phone`, `push-notification`, `email`, `recovery-code`. */
export interface MfaRequirements {
  /** Enrolled factors that the user can continue with. */
  challenge: { type: string }[]
  /** Factors that the user can enroll. Not empty if enrollment is required. */
  enroll: { type: string }[]
}

export interface MfaRequiredInit extends AuthErrorInit {
  requirements?: MfaRequirements
}

/** Thrown if the password is correct and Auth0 requires a second factor (`mfa_required`). */
export class MfaRequiredError extends TokenByPasswordError {
  override readonly name = 'MfaRequiredError'
  readonly #mfaToken: string | undefined
  readonly #requirements: Readonly<MfaRequirements>

  constructor(mfaToken: string | undefined, init: MfaRequiredInit = {}) {
    super('mfa_required', init)
    this.#mfaToken = mfaToken
    this.#requirements = init.requirements ?? { challenge: [], enroll: [] }
  }

  /** The accepted factors. Both lists are empty if Auth0 does not send them. Not enumerable. */
  get requirements(): Readonly<MfaRequirements> {
    return this.#requirements
  }

  /** Auth0's `mfa_token`, for your own MFA flow. A secret: keep it on the server. */
  get mfaToken(): string | undefined {
    return this.#mfaToken
  }
}

/** Thrown if a required argument is missing (`invalid_request`). */
export class MissingRequiredArgumentError extends AuthError {
  override readonly name = 'MissingRequiredArgumentError'
  /** Name of the missing argument. */
  readonly argument: string

  constructor(argument: string, reason = 'is required') {
    super('invalid_request', { detail: `${argument} ${reason}`, body: { fields: { [argument]: reason } } })
    this.argument = argument
  }
}

/** Thrown if Auth0 times out, responds with 5xx or invalid JSON, or throttles the tenant (`auth_unavailable`). */
export class ApiError extends AuthError {
  override readonly name = 'ApiError'

  constructor(init: AuthErrorInit = {}) {
    super('auth_unavailable', { ...init, headers: { 'Retry-After': '5', ...init.headers } })
  }
}

/** Thrown if the session store does not respond in time (`session_unavailable`). */
export class SessionUnavailableError extends AuthError {
  override readonly name = 'SessionUnavailableError'

  constructor(detail?: string) {
    super('session_unavailable', { ...(detail && { detail }), headers: { 'Retry-After': '2' } })
  }
}

/** Marks an error that a request causes, so that its `message` is public. */
export interface MetByRequest {
  auth0?: Auth0Answer | undefined
}

/**
 * Thrown if an option, the app's code, or the Auth0 tenant is misconfigured (`configuration_error`). It names the setting
 * and the remedy, but never a value, in `message`, or only in `detail` if a request causes it.
 */
export class ConfigurationError extends AuthError {
  override readonly name = 'ConfigurationError'

  constructor(remedy: string, met?: MetByRequest) {
    super('configuration_error', {
      detail: remedy,
      ...(!met && { message: remedy }),
      ...(met?.auth0 && { auth0: met.auth0 }),
    })
  }
}
