import { refusal } from './refusal.js'
import type { EmulatorApi } from './types.js'

const OFFLINE = 'offline_access'
const STANDARD = ['openid', 'profile', 'email', 'address', 'phone']
const OPENID_SCOPES = new Set([
  ...STANDARD,
  ...['name', 'given_name', 'family_name', 'nickname', 'email_verified', 'picture', 'created_at', 'identities'],
])

/** Scope names in a request parameter, which may be a list. */
export function readScope(value: unknown): string[] {
  if (value === undefined || value === null) return []
  const text = Array.isArray(value) ? value.join(' ') : value
  if (typeof text !== 'string') throw refusal('badScope')
  return [...new Set(text.split(/\s+/).filter((name) => name !== ''))]
}

export function isOpenIdScope(name: string): boolean {
  return OPENID_SCOPES.has(name)
}

interface Grantable {
  api: EmulatorApi | undefined
  /** Whether the client may use refresh tokens. */
  mayRefresh: boolean
}

/** Scopes that Auth0 grants: drops unknown ones, and grants all of them if the request names none. */
export function grantScope(requested: string[], { api, mayRefresh }: Grantable): string[] {
  const offline = mayRefresh && (api?.allowOfflineAccess ?? true) && requested.includes(OFFLINE)
  return [...grantOpenId(requested), ...grantApi(requested, api), ...(offline ? [OFFLINE] : [])]
}

function grantOpenId(requested: string[]): string[] {
  const asked = requested.filter(isOpenIdScope)
  const isBare = requested.length === 0 || (asked.length === 1 && asked[0] === 'openid' && !asksForApi(requested))
  return isBare ? STANDARD : asked
}

function grantApi(requested: string[], api: EmulatorApi | undefined): string[] {
  const offered = api?.scopes ?? []
  return asksForApi(requested) ? offered.filter((name) => requested.includes(name)) : offered
}

function asksForApi(requested: string[]): boolean {
  return requested.some((name) => !isOpenIdScope(name) && name !== OFFLINE)
}
