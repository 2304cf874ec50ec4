import { z } from 'zod'
import type { Credentials } from '../flows/sign-in.js'
import { invalidFields, isRecord, name, password, reasonsOf, type Fields } from './fields.js'

const FLAGS: Record<string, boolean> = {
  true: true,
  on: true,
  '1': true,
  false: false,
  off: false,
  '0': false,
  '': false,
}

const flag = z.union([z.boolean(), z.enum(Object.keys(FLAGS)).transform((value) => FLAGS[value])], {
  error: 'must be true or false',
})

export const credentials = z.object({
  username: name.optional(),
  email: name.optional(),
  password,
  remember_me: flag.optional(),
  realm: name.optional(),
})

/** Input of `auth.login`, which also accepts the body of `POST /login`. */
export interface LoginInput {
  /** Email address, username, or phone number. `email` is an alias. Trimmed, at most 320 characters. */
  username?: string | undefined
  email?: string | undefined
  /** Sent to Auth0 unchanged. At most 1024 characters. */
  password: string
  /** Requests a refresh token and extends the session lifetime. Default: `false`. */
  rememberMe?: boolean | undefined
  /** Alias of `rememberMe`, as in request bodies. */
  remember_me?: boolean | undefined
  /** One of `allowedRealms`. Default: the `realm` option. */
  realm?: string | undefined
}

/** Validates a login body. `invalid_request` names each invalid field with the reason, but never a value. */
export function readCredentials(sent: unknown, allowedRealms: readonly string[]): Credentials {
  const all = sent ?? {}
  if (!isRecord(all)) throw invalidFields({ body: 'must be an object' })
  const raw = givenOnly(all)
  const { data, error } = credentials.safeParse(raw)
  const fields = reasonsOf(error)
  checkName(raw, fields)
  if (data?.realm !== undefined && !allowedRealms.includes(data.realm))
    fields.realm = 'is not one of the accepted realms'
  if (!data || Object.keys(fields).length) throw invalidFields(fields)
  const { username = data.email ?? '', password, remember_me: rememberMe, realm } = data
  return { username, password, rememberMe, realm }
}

/** Front ends may send `null` for missing fields, and `rememberMe` instead of `remember_me`. */
function givenOnly(all: Record<string, unknown>): Record<string, unknown> {
  const isGiven = ([field, value]: [string, unknown]) =>
    value !== null && value !== undefined && !(value === '' && isSpare(field, all))
  const { rememberMe, ...given } = Object.fromEntries(Object.entries(all).filter(isGiven))
  return rememberMe === undefined ? given : { remember_me: rememberMe, ...given }
}

/** Form fields that were left empty: `realm`, or one of `email` and `username`. */
function isSpare(field: string, { email, username }: Record<string, unknown>): boolean {
  if (field === 'realm') return true
  return (field === 'email' && Boolean(username)) || (field === 'username' && Boolean(email))
}

export const NAME_REQUIRED = 'is required: send email or username'

function checkName(raw: Record<string, unknown>, fields: Fields): void {
  const given = ['email', 'username'].filter((field) => Object.hasOwn(raw, field))
  if (given.length === 0) fields.username = NAME_REQUIRED
  if (given.length === 2 && raw.email !== raw.username) fields.username ??= 'must be the same as email if both are sent'
}
