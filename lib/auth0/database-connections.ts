import { ApiError, AuthError } from '../errors.js'
import { optionalText, requiredText } from './arguments.js'
import { amongAccounts } from './at-once.js'
import { toAuthError, type Step } from './oauth-error.js'
import type { GrantParts } from './verified-grant.js'

export interface SignUpArguments {
  email: string
  /** Sent to Auth0 unchanged. */
  password: string
  /** Name of the database connection. */
  connection: string
  username?: string | undefined
  name?: string | undefined
  given_name?: string | undefined
  family_name?: string | undefined
  nickname?: string | undefined
  picture?: string | undefined
  /** At most 10 members, with names of up to 100 and values of up to 500 characters. */
  user_metadata?: Record<string, string> | undefined
}

export interface SignedUp {
  /** The `sub` of the new user: `auth0|...`. */
  id: string
  email: string
}

type Parts = Pick<GrantParts, 'client' | 'config'>

const PROFILE = ['username', 'name', 'given_name', 'family_name', 'nickname', 'picture'] as const

/**
 * Creates an account in a database connection, without logging the user in. Rejects with `signup_rejected`, whether or
 * not the account exists, or with `weak_password`, which contains the rules.
 */
export async function signUp(parts: Parts, given: SignUpArguments): Promise<SignedUp> {
  const email = requiredText('email', given.email)
  const password = requiredText('password', given.password)
  const profile = PROFILE.map((name) => [name, optionalText(name, given[name])] as const)
  const body = {
    ...{ email, password, connection: requiredText('connection', given.connection) },
    ...Object.fromEntries(profile.filter(([, value]) => value !== undefined)),
    ...(given.user_metadata && { user_metadata: checkedMetadata(given.user_metadata) }),
  }
  const answer = await post(parts, 'signup', { body, step: 'signup', conceal: [password] })
  return readSignedUp(parseObject(answer), email)
}

export interface PasswordResetArguments {
  email: string
  /** Name of the database connection. */
  connection: string
}

/** Requests a password reset email from Auth0. Also resolves for unknown addresses. */
export async function requestPasswordReset(parts: Parts, given: PasswordResetArguments): Promise<void> {
  const body = {
    email: requiredText('email', given.email),
    connection: requiredText('connection', given.connection),
  }
  try {
    await post(parts, 'change_password', { body, step: 'reset', conceal: [] })
  } catch (err) {
    if (err instanceof AuthError && err.code === 'invalid_request') throw invalidAddress(err)
    if (!tellsOfAddress(err)) throw err
  }
}

function invalidAddress({ detail, auth0 }: AuthError): AuthError {
  const body = { fields: { email: 'must be an email address' } }
  return new AuthError('invalid_request', { detail, body, ...(auth0 && { auth0 }) })
}

/** Errors that would reveal whether the address is known. */
const ABOUT_ADDRESS = ['enterprise_email', 'user_not_found']

function tellsOfAddress(err: unknown): boolean {
  return err instanceof AuthError && ABOUT_ADDRESS.includes(err.auth0?.error ?? '')
}

interface Call {
  body: Record<string, unknown>
  step: Step
  conceal: string[]
}

/** These endpoints are public: they require the client id but no secret. */
function post(parts: Parts, path: string, call: Call): Promise<string> {
  return amongAccounts(() => send(parts, path, call))
}

async function send({ client, config }: Parts, path: string, { body, step, conceal }: Call): Promise<string> {
  let failure: unknown
  try {
    const response = await client.fetch(new URL(`/dbconnections/${path}`, config.issuer), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ client_id: config.clientId, ...body }),
      redirect: 'manual',
    })
    if (response.ok) return await response.text()
    failure = { cause: response }
  } catch (err) {
    failure = err
  }
  throw await toAuthError(failure, { step, host: config.issuer.host, conceal })
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Some connections return `id`, with a prefix, instead of `_id`. */
function readSignedUp({ _id, id, email }: Record<string, unknown>, typed: string): SignedUp {
  const found = [_id, id].find((value): value is string => typeof value === 'string' && value !== '')
  if (found === undefined) throw new ApiError({ detail: "Auth0's signup response contains no account id" })
  return { id: found.includes('|') ? found : `auth0|${found}`, email: typeof email === 'string' ? email : typed }
}

/** Auth0's own limits. */
const METADATA_LIMITS = { members: 10, name: 100, text: 500 }

function checkedMetadata(metadata: unknown): object {
  const entries: [string, unknown][] = Array.isArray(metadata) ? [] : Object.entries(Object(metadata) as object)
  const { members, name: longestName, text: longestText } = METADATA_LIMITS
  const fits = ([name, text]: [string, unknown]) =>
    name.length <= longestName && typeof text === 'string' && text.length <= longestText
  const isObject = typeof metadata === 'object' && !Array.isArray(metadata)
  if (isObject && entries.length <= members && entries.every(fits)) return Object.fromEntries(entries)
  const reason = `must be an object of at most ${members} strings of at most ${longestText} characters`
  throw new AuthError('invalid_request', {
    detail: `user_metadata ${reason}`,
    body: { fields: { user_metadata: reason } },
  })
}
