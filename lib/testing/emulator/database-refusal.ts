import { Refusal } from './refusal.js'

type Row = readonly [name: string, code: string, description: string]

/** Refusals of the database endpoints. Their members differ from those of the token endpoint. */
const ROWS = {
  invalidSignup: ['BadRequestError', 'invalid_signup', 'Invalid sign up'],
  userExists: ['BadRequestError', 'user_exists', 'The user already exists.'],
  usernameExists: ['BadRequestError', 'username_exists', 'The username provided is in use already.'],
  commonPassword: ['PasswordDictionaryError', 'invalid_password', 'Password is too common'],
  personalPassword: ['PasswordNoUserInfoError', 'invalid_password', 'Password contains user information'],
  leakedPassword: ['BadRequestError', 'password_leaked', 'Password has been leaked'],
  captcha: ['BadRequestError', 'invalid_captcha', 'Invalid captcha value'],
  unknownClient: ['BadRequestError', 'invalid_client', 'Unknown client'],
  badMetadata: ['BadRequestError', 'invalid_user_metadata', 'user_metadata is not valid'],
  enterpriseEmail: ['BadRequestError', 'enterprise_email', 'The address belongs to an enterprise connection'],
  unknownConnection: ['BadRequestError', 'invalid_connection', 'connection not found'],
} as const satisfies Record<string, Row>

export function databaseRefusal(row: keyof typeof ROWS): Refusal {
  const [name, code, description] = ROWS[row]
  return new Refusal(400, { name, code, description, statusCode: 400 })
}

/** Older Auth0 checks put their message where the code belongs. */
export function saying(sentence: string): Refusal {
  return new Refusal(400, { error: sentence })
}

/** Throttling: `too_many_attempts` for an IP address, `too_many_requests` if it should retry later. */
export function throttled(code: string, headers: Record<string, string>): Refusal {
  return new Refusal(429, { name: 'TooManyRequests', code, description: 'Too many requests', statusCode: 429 }, headers)
}
