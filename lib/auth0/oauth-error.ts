import {
  ApiError,
  AuthError,
  ConfigurationError,
  MfaRequiredError,
  TokenByPasswordError,
  type Auth0Answer,
  type AuthErrorCode,
  type AuthErrorInit,
} from '../errors.js'
import { readRefusal, type Refusal } from './refusal.js'
import { settingToChange } from './tenant-setting.js'
import { readWeakPassword } from './weak-password.js'
import { writtenForms } from './written-forms.js'

/** `mfa` sends a code, `mfa push` polls for a push notification, and `mfa api` calls `/mfa/*`. */
export type Step =
  | 'discovery'
  | 'login'
  | 'interactive'
  | 'refresh'
  | 'revoke'
  | 'logout'
  | 'signup'
  | 'reset'
  | 'mfa'
  | 'mfa push'
  | 'mfa api'

export interface Circumstances {
  step: Step
  /** Host of the issuer, for the log. */
  host: string
  /** Secrets to remove from Auth0's text, which may repeat them. */
  conceal?: (string | undefined)[]
}

/**
 * Converts any failure of a call to Auth0 into an {@link AuthError}. Checks `error`, then the description, then the
 * status, but never `instanceof`, which fails across realms.
 */
export async function toAuthError(err: unknown, circumstances: Circumstances): Promise<AuthError> {
  if (err instanceof AuthError) return err
  const refusal = await readRefusal(err)
  const auth0 = concealed(refusal.answer, [...(circumstances.conceal ?? []), refusal.mfaToken])
  const code = codeOf(refusal, circumstances.step)
  return build(code, { auth0, refusal, circumstances })
}

interface Material {
  auth0: Auth0Answer | undefined
  refusal: Refusal
  circumstances: Circumstances
}

function build(code: AuthErrorCode, material: Material): AuthError {
  const { auth0, refusal, circumstances } = material
  const headers = { ...patienceFor(code, auth0), ...refusal.headers }
  const init = { ...(auth0 && { auth0 }), headers, detail: detailOf(code, material) }
  if (code === 'weak_password') return new AuthError(code, { ...init, body: weakPassword(material) })
  if (code === 'configuration_error') return new ConfigurationError(settingToChange(refusal, auth0?.error), { auth0 })
  if (code === 'auth_unavailable') return new ApiError(init)
  if (code === 'mfa_required') return mfaRequired(refusal, init)
  return circumstances.step === 'login' ? new TokenByPasswordError(code, init) : new AuthError(code, init)
}

function weakPassword({ refusal, circumstances }: Material) {
  return { ...readWeakPassword(refusal.body, circumstances.conceal ?? []) }
}

function mfaRequired({ mfaToken, mfaRequirements }: Refusal, init: AuthErrorInit): MfaRequiredError {
  return new MfaRequiredError(mfaToken, { ...init, ...(mfaRequirements && { requirements: mfaRequirements }) })
}

/** Seconds until the next poll, unless Auth0 says otherwise. */
function patienceFor(code: AuthErrorCode, answer: Auth0Answer | undefined): Record<string, string> {
  if (code !== 'mfa_pending') return {}
  return { 'Retry-After': answer?.error === 'slow_down' ? '10' : '5' }
}

function detailOf(code: AuthErrorCode, { auth0, refusal, circumstances }: Material): string {
  const { step, host } = circumstances
  const { kind, codes = [] } = refusal
  const { status, error, description } = auth0 ?? {}
  // Unless it is an outage, the response may come from a host that is not the tenant.
  const doubtsDomain = step === 'discovery' && !isOutage(auth0)
  const said = auth0 ? [doubtsDomain ? 'expected a discovery document but got HTTP' : 'Auth0 answered', status] : [kind]
  const where = code === 'auth_unavailable' ? [...codes, `(${step} at ${host})`] : []
  const text = [...said, error, description, ...where].filter(Boolean).join(' ')
  return `${code}: ${text}${doubtsDomain ? ': check the domain option' : ''}`
}

function isOutage(answer: Auth0Answer | undefined): boolean {
  return answer !== undefined && (answer.status >= 500 || answer.status === 429)
}

const MFA: readonly Step[] = ['mfa', 'mfa push', 'mfa api']
const PUSH: readonly Step[] = ['mfa push']
const API: readonly Step[] = ['mfa api']

type Row = readonly [matches: (answer: Auth0Answer) => boolean, code: AuthErrorCode, only?: readonly Step[]]

/** Auth0 response -> error code, for all steps or for those listed. The first match wins. */
const CODES: readonly Row[] = [
  [refused('server_error', /default connection/i), 'configuration_error'],
  [refused('unsupported_grant_type'), 'configuration_error'],
  [({ status, error }) => status >= 500 || error === undefined, 'auth_unavailable'],
  [refused('authorization_pending', 'slow_down'), 'mfa_pending', MFA],
  [refused('expired_token'), 'mfa_expired', MFA],
  [refused('association_required', 'unsupported_challenge_type'), 'invalid_request', MFA],
  [refused('access_denied', 'invalid_request', 'invalid_grant', /already enrolled/i), 'invalid_request', MFA],
  [refused('invalid_request', 'invalid_grant', /^too many /i), 'too_many_attempts', MFA],
  [refused('invalid_request', /^(the )?mfa_token/i), 'mfa_expired', MFA],
  [refused('invalid_request'), 'invalid_request', MFA],
  [refused('invalid_grant', /mfa_token|oob_code/i), 'mfa_expired', MFA],
  // Without a code, only the token can be invalid.
  [refused('invalid_grant', 'invalid_token'), 'mfa_expired', API],
  [refused('invalid_grant'), 'mfa_denied', PUSH],
  [refused('access_denied', /authorization rejected/i), 'mfa_denied', PUSH],
  [refused('access_denied', /authorization rejected/i), 'invalid_mfa_code', MFA],
  [refused('invalid_grant'), 'invalid_mfa_code', MFA],
  [refused('mfa_required'), 'mfa_required'],
  [refused('too_many_attempts', 'too_many_logins'), 'too_many_attempts'],
  [({ status, error }) => status === 429 || error === 'too_many_requests', 'auth_unavailable'],
  [refused('temporarily_unavailable', 'server_error'), 'auth_unavailable'],
  [refused('password_leaked'), 'password_leaked'],
  [refused('password_expired', 'password_change_required'), 'password_change_required'],
  [refused('requires_verification', 'requires_validation', 'interaction_required'), 'interaction_required'],
  [refused('login_required', 'consent_required', 'account_selection_required'), 'interaction_required'],
  [refused('invalid_captcha'), 'interaction_required', ['signup', 'reset']],
  [refused('invalid_password'), 'weak_password', ['signup']],
  [isAboutAddress, 'invalid_request', ['reset']],
  [refused('unauthorized', 'access_denied', /user is blocked/i), 'account_blocked'],
  [refused('unauthorized'), 'access_denied'],
  [refused('invalid_client', 'unauthorized_client', 'invalid_scope', 'invalid_request'), 'configuration_error'],
  [refused('endpoint_disabled', 'method_not_allowed', 'invalid_target'), 'configuration_error'],
  [refused('unsupported_response_type'), 'configuration_error'],
  [({ status, error }) => status === 401 && error === 'access_denied', 'configuration_error'],
  [refused('access_denied', /service not |not authorized to access resource server/i), 'configuration_error'],
  [refused('access_denied'), 'mfa_denied', PUSH],
  [refused('access_denied'), 'access_denied'],
  [refused('invalid_grant'), 'login_transaction_missing', ['interactive']],
  [refused('invalid_grant', 'invalid_user_password'), 'invalid_credentials'],
]

/** Matches any of the error codes and, if one is given, the pattern of the description. */
function refused(...wanted: (string | RegExp)[]): (answer: Auth0Answer) => boolean {
  const codes = wanted.filter((part) => typeof part === 'string')
  const [pattern] = wanted.filter((part) => typeof part !== 'string')
  return (answer) => codes.includes(answer.error ?? '') && (pattern?.test(answer.description ?? '') ?? true)
}

/** Auth0 rejects more addresses than this package, and its words for that are not documented. */
function isAboutAddress({ status, error = '', description = '' }: Auth0Answer): boolean {
  const text = `${error} ${description}`
  return status === 400 && /\be-?mail\b/i.test(text) && /valid|format/i.test(text)
}

/** Wrong credentials, a blocked user, or a refusal by an Action. Some steps do not distinguish them. */
const PLAIN_NO: readonly AuthErrorCode[] = ['invalid_credentials', 'access_denied', 'account_blocked']
const PLAIN_NO_IN: Partial<Record<Step, AuthErrorCode>> = { refresh: 'session_expired', signup: 'signup_rejected' }

/** For unknown codes, which scripts and Actions can send. They refuse a login but do not end a session. */
const UNKNOWN_IN: Partial<Record<Step, AuthErrorCode>> = { refresh: 'auth_unavailable', reset: 'configuration_error' }

function codeOf({ answer, kind }: Refusal, step: Step): AuthErrorCode {
  if (kind === 'untrusted' || kind === 'misnamed') return 'configuration_error'
  if (!answer || step === 'discovery') return 'auth_unavailable'
  const known = CODES.find(([matches, , only]) => (only?.includes(step) ?? true) && matches(answer))?.[1]
  const code = known ?? UNKNOWN_IN[step] ?? 'access_denied'
  if (PLAIN_NO.includes(code)) return PLAIN_NO_IN[step] ?? code
  // A rate limit does not invalidate the refresh token, so the session stays.
  return step === 'refresh' && code === 'too_many_attempts' ? 'auth_unavailable' : code
}

/** Maximum characters of Auth0's text. */
const ERROR_LIMIT = 100
const DESCRIPTION_LIMIT = 500

/** Replaces text that contains a secret. Truncates afterwards, so that no part of a secret is left. */
function concealed(answer: Auth0Answer | undefined, secrets: (string | undefined)[]): Auth0Answer | undefined {
  if (!answer) return undefined
  const { status, error, description } = answer
  const forms = secrets.filter((secret) => secret !== undefined).flatMap(writtenForms)
  const conceal = (text: string) => (forms.some((form) => text.includes(form)) ? '[concealed]' : text)
  return {
    status,
    ...(error !== undefined && { error: conceal(error).slice(0, ERROR_LIMIT) }),
    ...(description !== undefined && { description: conceal(description).slice(0, DESCRIPTION_LIMIT) }),
  }
}
