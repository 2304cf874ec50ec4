import type { AuthErrorCode } from 'express-auth0-ropg'

/** Messages for forms that come back with an error code. With a script, the response contains the message. */
const MESSAGES: Partial<Record<AuthErrorCode, string>> = {
  account_blocked: 'This account has been blocked.',
  auth_unavailable: 'Login is temporarily unavailable. Please try again in a moment.',
  access_denied: 'You are not allowed to log in.',
  interaction_required: 'We need to check that you are a person. Please continue on the Auth0 login page.',
  invalid_credentials: 'Incorrect email or password.',
  invalid_mfa_code: 'Incorrect verification code.',
  invalid_request: 'Please fill in all fields.',
  login_transaction_missing: 'This login attempt has expired. Please start again.',
  mfa_denied: 'The login was denied on your phone.',
  mfa_expired: 'Verification failed or timed out. Please log in again.',
  mfa_pending: 'The login has not been approved yet.',
  password_leaked: 'This password appeared in a data breach. Please reset your password.',
  rate_limited: 'Too many attempts. Please wait a minute and try again.',
  session_expired: 'Your session has ended. Please log in again.',
  session_unavailable: 'The service is temporarily unavailable. Please try again in a moment.',
  signup_rejected: 'The account could not be created. If you already have one, log in or reset your password.',
  too_many_attempts: 'Too many failed attempts. Please try again later or reset your password.',
  weak_password: 'Use at least 8 characters with three of these: lowercase, uppercase, numbers, symbols.',
}

/** Not errors: the login continues. */
const SILENT = ['mfa_required', 'unauthenticated']

export function messageFor(code: string | undefined): string | undefined {
  if (code === undefined || SILENT.includes(code)) return undefined
  return MESSAGES[code as AuthErrorCode] ?? 'Something went wrong. Please try again.'
}
