import type { Header, Schema, Success } from './types.ts'

const text = { type: 'string' }
const closed = (properties: Record<string, Schema>, required = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

const LOCATION: Header = { schema: text, required: true }

const login: Record<string, Schema> = {
  success: { const: true },
  user: closed({ id: text, email: text, name: text }, ['id']),
  expires_at: { type: 'string', format: 'date-time', description: 'When the session ends at the latest.' },
  access_token: { type: 'string', description: 'This and the next four only with the option `exposeTokens`.' },
  token_type: text,
  expires_in: { type: 'integer', description: 'Seconds.' },
  scope: text,
  refresh_token: text,
}
const always = ['success', 'user', 'expires_at']

export const schemas: Record<string, Schema> = {
  LoggedIn: closed(login, always),
  Verified: closed(
    { ...login, recovery_code: { type: 'string', description: 'In place of the one that was used. Show it once.' } },
    always,
  ),
  Account: closed({ success: { const: true }, user: closed({ id: text, email: text }) }),
  Done: closed({ success: { const: true } }),
  LoggedOut: closed(
    { success: { const: true }, logout_url: { type: 'string', description: 'Ends the session at Auth0, too.' } },
    ['success'],
  ),
  User: closed({
    user: {
      ...{ type: 'object', description: 'Profile claims of the ID token.' },
      ...{ properties: { sub: text }, required: ['sub'], additionalProperties: true },
    },
  }),
  Sessions: closed({
    sessions: {
      type: 'array',
      items: closed({
        id: text,
        created_at: { type: 'string', format: 'date-time' },
        last_seen_at: {
          type: ['string', 'null'],
          format: 'date-time',
          description: 'To the minute. Null if it cannot be read.',
        },
        ip: { type: ['string', 'null'] },
        user_agent: { type: ['string', 'null'] },
        current: { type: 'boolean' },
      }),
    },
  }),
  Authenticators: closed({
    authenticators: {
      type: 'array',
      items: closed({ id: text, type: text, channel: text, name: text }, ['id', 'type']),
    },
  }),
  Challenged: closed({ challenge_type: text, binding_method: text }, ['challenge_type']),
  Enrollment: closed(
    { secret: text, otpauth_uri: text, recovery_codes: { type: 'array', items: text }, binding_method: text },
    [],
  ),
}

export const json = (name: string, status = 200): Success => ({
  ...{ status, description: 'Done.', body: { $ref: `#/components/schemas/${name}` } },
})
export const noContent: Success = { status: 204, description: 'Done.' }
export const redirect = (status: number, description: string): Success => ({
  ...{ status, description, headers: { Location: LOCATION } },
})
/** For every route that browsers may navigate to. */
export const loginPage = redirect(302, 'A navigation, with the option `pages`: to the login page with `error`.')
const elsewhere = redirect(
  303,
  'A form post, with the option `pages`: to the next page, or to the login page with `error`.',
)
/** For every route that forms may post to. */
export const page: Success = {
  ...elsewhere,
  headers: { ...elsewhere.headers, 'Retry-After': { schema: { type: 'integer', minimum: 0 } } },
}
