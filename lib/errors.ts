/**
 * The closed set of error codes: code -> HTTP status and the one sentence that people read.
 * An answer never says more than this table and the members of {@link PublicDetails}.
 */
export const ERRORS = {
  invalid_request: [400, 'The request is incomplete or has a value that cannot be accepted.'],
  https_required: [400, 'Use HTTPS for this request.'],
  login_transaction_missing: [400, 'This login has expired or was started elsewhere. Start it again.'],
  signup_rejected: [400, 'The account could not be created.'],
  weak_password: [400, 'Choose a stronger password.'],
  unauthenticated: [401, 'Log in to continue.'],
  session_expired: [401, 'Your session has ended. Log in again.'],
  invalid_credentials: [401, 'Wrong user name or password.'],
  invalid_mfa_code: [401, 'This code is not right.'],
  mfa_expired: [401, 'The second step took too long. Log in again.'],
  cross_site_request: [403, 'This request came from another site.'],
  insufficient_scope: [403, 'You are not allowed to do this.'],
  mfa_required: [403, 'A second factor is needed to log in.'],
  mfa_denied: [403, 'The second factor was refused.'],
  interaction_required: [403, 'Continue on the login page.'],
  account_blocked: [403, 'This account is blocked.'],
  password_leaked: [403, 'This password was found in a data breach elsewhere. Choose a new one.'],
  password_change_required: [403, 'Choose a new password before you log in.'],
  access_denied: [403, 'This login was refused.'],
  method_not_allowed: [405, 'This method is not supported here.'],
  payload_too_large: [413, 'The request is too large.'],
  unsupported_media_type: [415, 'Send JSON or a form.'],
  too_many_attempts: [429, 'Too many failed attempts. Try again later or reset the password.'],
  rate_limited: [429, 'Too many attempts. Wait a moment and try again.'],
  configuration_error: [500, 'Login is not set up correctly. The operator has been told.'],
  internal_error: [500, 'Something went wrong.'],
  auth_unavailable: [503, 'The login service does not answer. Try again in a moment.'],
  session_unavailable: [503, 'Sessions are not available right now. Try again in a moment.'],
} as const satisfies Record<string, readonly [status: number, message: string]>

/** Every value that `error` in an answer, and `code` of an {@link AuthError}, can have. */
export type AuthErrorCode = keyof typeof ERRORS

/** What an answer may carry beside code and sentence. */
export interface PublicDetails {
  /** Field name -> reason. Never a value. */
  fields?: Partial<Record<string, string>>
  /** The scopes that the route asked for, separated by spaces. */
  scope?: string
  /** Where interactive login goes on. */
  login_url?: string
  /** Where the user can regain the account. */
  recovery_url?: string
  /** The reason an Action gave; present only with `exposeDeniedReason`. */
  reason?: string
}

/** What Auth0 said, for operators: it reaches events and logs, never an answer. */
export interface Auth0Answer {
  status: number
  error?: string
  description?: string
}

export interface AuthErrorInit {
  /** For developers and logs; answers use the sentence of {@link ERRORS}. */
  detail?: string
  headers?: Record<string, string>
  body?: PublicDetails
  auth0?: Auth0Answer
}

/** The one error of this package. Tell errors apart by `code`. */
export class AuthError extends Error {
  override readonly name: string = 'AuthError'
  readonly code: AuthErrorCode
  /** HTTP status of the answer. */
  readonly status: number
  /** HTTP headers of the answer, `Retry-After` among them. */
  readonly headers: Readonly<Record<string, string>>
  /** Public members of the answer beside `error` and `message`. */
  readonly body: Readonly<PublicDetails>
  /** What Auth0 said. For operators only. */
  readonly auth0: Readonly<Auth0Answer> | undefined

  constructor(code: AuthErrorCode, init: AuthErrorInit = {}) {
    super(init.detail ?? ERRORS[code][1])
    this.code = code
    this.status = ERRORS[code][0]
    this.headers = { ...init.headers }
    this.body = { ...init.body }
    this.auth0 = init.auth0
  }

  /** The body of the answer: public members only. */
  toJSON(): { success: false; error: AuthErrorCode; message: string } & PublicDetails {
    return { success: false, error: this.code, message: ERRORS[this.code][1], ...this.body }
  }
}

/** Auth0 refused a password login. `code` says why. */
export class TokenByPasswordError extends AuthError {
  override readonly name: string = 'TokenByPasswordError'
}

/** The password was right, and Auth0 wants a second factor (`mfa_required`). */
export class MfaRequiredError extends TokenByPasswordError {
  override readonly name = 'MfaRequiredError'
  readonly #mfaToken: string | undefined

  constructor(mfaToken: string | undefined, init: AuthErrorInit = {}) {
    super('mfa_required', init)
    this.#mfaToken = mfaToken
  }

  /** Auth0's `mfa_token`, for an MFA flow of your own. A secret: keep it on the server. */
  get mfaToken(): string | undefined {
    return this.#mfaToken
  }
}

/** A call without an argument that it cannot do without (`invalid_request`). */
export class MissingRequiredArgumentError extends AuthError {
  override readonly name = 'MissingRequiredArgumentError'
  /** Name of the missing argument. */
  readonly argument: string

  constructor(argument: string) {
    super('invalid_request', { detail: `${argument} is required`, body: { fields: { [argument]: 'is required' } } })
    this.argument = argument
  }
}

/** Auth0 did not answer properly: timeout, 5xx, not JSON, or the whole tenant throttled (`auth_unavailable`). */
export class ApiError extends AuthError {
  override readonly name = 'ApiError'

  constructor(init: AuthErrorInit = {}) {
    super('auth_unavailable', { ...init, headers: { 'Retry-After': '5', ...init.headers } })
  }
}

/** The session store did not answer in time (`session_unavailable`). */
export class SessionUnavailableError extends AuthError {
  override readonly name = 'SessionUnavailableError'

  constructor(detail?: string) {
    super('session_unavailable', { ...(detail && { detail }), headers: { 'Retry-After': '2' } })
  }
}

/**
 * An option, or the Auth0 tenant, is set up wrongly (`configuration_error`). The message names the option or the
 * tenant setting and the remedy, and never holds a value of it.
 */
export class ConfigurationError extends AuthError {
  override readonly name = 'ConfigurationError'

  constructor(detail: string, auth0?: Auth0Answer) {
    super('configuration_error', { detail, ...(auth0 && { auth0 }) })
  }
}
