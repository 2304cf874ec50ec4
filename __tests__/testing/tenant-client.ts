import type { Auth0Emulator } from '../../lib/testing/emulator.js'

export const ADA = { username: 'ada@example.com', password: 'correct horse battery staple' }
export const API = 'https://api.example.com'
export const REALM_GRANT = 'http://auth0.com/oauth/grant-type/password-realm'

export interface Reply {
  status: number
  headers: Headers
  body: Body
}

/** Any body. Each test checks what it expects. */
interface Body {
  access_token: string
  id_token: string
  refresh_token: string
  scope: string
  error: string
  error_description: string
  keys: { kid: string }[]
  [member: string]: unknown
}

type Fields = Record<string, string | undefined>

/** Posts a form as the emulator's client. Undefined fields are omitted. */
export async function post(emulator: Auth0Emulator, path: string, fields: Fields, headers = {}): Promise<Reply> {
  const all: Fields = { client_id: emulator.clientId, client_secret: emulator.clientSecret, ...fields }
  const sent = Object.entries(all).filter((field): field is [string, string] => field[1] !== undefined)
  return replyOf(await fetch(emulator.domain + path, { method: 'POST', body: new URLSearchParams(sent), headers }))
}

export async function replyOf(response: Response): Promise<Reply> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : { text }) as Body }
}

export function logIn(emulator: Auth0Emulator, fields: Fields = {}, headers = {}): Promise<Reply> {
  return post(emulator, '/oauth/token', { grant_type: 'password', ...ADA, ...fields }, headers)
}

export function refresh(emulator: Auth0Emulator, token: string, fields: Fields = {}): Promise<Reply> {
  return post(emulator, '/oauth/token', { grant_type: 'refresh_token', refresh_token: token, ...fields })
}

/** Logs Ada in and returns her refresh token. */
export async function refreshTokenOf(emulator: Auth0Emulator, fields: Fields = {}): Promise<string> {
  const scope = 'openid email read:posts offline_access'
  const { body } = await logIn(emulator, { scope, audience: API, ...fields })
  return body.refresh_token
}
