import { ERRORS, type AuthErrorCode } from '../../lib/errors.ts'
import type { Header, Schema } from './types.ts'

const text = (description: string): Schema => ({ type: 'string', description })
const loginUrl = {
  login_url: text('Where to continue with interactive login. Only with the option `loginUrl` or `interactive`.'),
}
const recoveryUrl = { recovery_url: text('Where the user can regain the account. Only with the option `recoveryUrl`.') }
const factors: Schema = {
  type: 'array',
  items: { type: 'object', properties: { type: { type: 'string' } }, required: ['type'], additionalProperties: false },
}

/** Members other than `success`, `error`, and `message`. */
const MEMBERS: Partial<Record<AuthErrorCode, Record<string, Schema>>> = {
  invalid_request: {
    fields: {
      type: 'object',
      description: 'What is wrong with each field. Never a value.',
      additionalProperties: { type: 'string' },
    },
  },
  mfa_required: {
    ...loginUrl,
    mfa: {
      type: 'object',
      description: "Auth0's `mfa_requirements`. Only with the option `mfa: 'api'`.",
      properties: { challenge: factors, enroll: factors },
      additionalProperties: false,
    },
  },
  insufficient_scope: { scope: text('The scopes that the route requires, separated by spaces.') },
  interaction_required: loginUrl,
  login_transaction_missing: loginUrl,
  account_blocked: recoveryUrl,
  too_many_attempts: recoveryUrl,
  password_leaked: recoveryUrl,
  password_change_required: recoveryUrl,
  access_denied: { reason: text("The tenant's text. Only with the option `exposeDeniedReason`.") },
  weak_password: {
    policy: text('The password policy of the tenant, as text.'),
    rules: { description: 'The rules of the password policy, as Auth0 sends them.' },
  },
}

const RETRY_AFTER: Header = { schema: { type: 'integer', minimum: 0 }, description: 'Seconds to wait.' }

const HEADERS: Partial<Record<AuthErrorCode, Record<string, Header>>> = {
  mfa_pending: { 'Retry-After': { ...RETRY_AFTER, required: true } },
  rate_limited: {
    'Retry-After': { ...RETRY_AFTER, required: true },
  },
  too_many_attempts: { 'Retry-After': RETRY_AFTER },
  auth_unavailable: { 'Retry-After': { ...RETRY_AFTER, required: true } },
  session_unavailable: { 'Retry-After': { ...RETRY_AFTER, required: true } },
  method_not_allowed: { Allow: { schema: { type: 'string' }, required: true, description: 'Methods of the route.' } },
}

/** Headers of all responses from rate-limited routes, if a limit was checked. */
export const LIMIT_HEADERS: Record<string, Header> = {
  RateLimit: { schema: { type: 'string' }, description: 'IETF draft RateLimit header fields for HTTP, draft 8.' },
  'RateLimit-Policy': { schema: { type: 'string' } },
}

export const codes = Object.keys(ERRORS) as AuthErrorCode[]
export const statusOf = (code: AuthErrorCode) => ERRORS[code][0]

/** One schema per error code. */
export function errorSchemas(): Record<string, Schema> {
  return Object.fromEntries(codes.map((code) => [code, errorSchema(code)]))
}

function errorSchema(code: AuthErrorCode): Schema {
  return {
    type: 'object',
    properties: {
      success: { const: false },
      error: { const: code },
      message: { type: 'string', description: 'A sentence to show to the user.', examples: [ERRORS[code][1]] },
      ...MEMBERS[code],
    },
    required: ['success', 'error', 'message'],
    // `onLogin` may add members to its refusal.
    additionalProperties: code === 'access_denied',
  }
}

/** Headers of a response that can have any of these errors. Required if all of the errors have them. */
export function errorHeaders(ofStatus: readonly AuthErrorCode[]): Record<string, Header> {
  const all = ofStatus.flatMap((code) => Object.entries(HEADERS[code] ?? {}))
  const isAlways = (name: string) => ofStatus.every((code) => HEADERS[code]?.[name]?.required)
  return Object.fromEntries(
    all.map(([name, { required: _, ...header }]) => [name, { ...header, required: isAlways(name) }]),
  )
}
