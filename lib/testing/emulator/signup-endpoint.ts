import type { Answer } from './answer.js'
import { textParam, type Params } from './body.js'
import { databaseRefusal, saying, throttled } from './database-refusal.js'
import type { Call, Endpoint } from './endpoints.js'
import { weakPassword } from './password-policy.js'
import { Refusal } from './refusal.js'
import type { PasswordPolicy } from './database-types.js'
import type { World } from './world.js'

/** Auth0 treats every password with this prefix as breached. */
const BREACHED_PREFIX = 'AUTH0-TEST-'

interface Signup {
  email: string
  password: string
  username: string | undefined
  connection: string
  /** Unmodified. */
  profile: Record<string, unknown>
}

/** `POST /dbconnections/signup`: public, and does not log the user in. */
export function signupEndpoint(world: World): Endpoint {
  return {
    methods: ['POST'],
    answer(call): Answer {
      if (textParam(call.params, 'client_id') !== world.signing.clientId) throw databaseRefusal('unknownClient')
      const headers = countSignup(world, call)
      const signup = readSignup(world, call.params)
      checkPassword(world.tenant.passwordPolicy, signup)
      if (world.tenant.signupDenied !== undefined) throw deniedByAction(world.tenant.signupDenied)
      checkDuplicates(world, signup)
      return { status: 200, body: createUser(world, signup), headers }
    },
  }
}

function countSignup({ tenant, buckets }: World, { record }: Call): Record<string, string> {
  const { signupLimit: limit } = tenant
  const { isEmpty, headers } = buckets.draw(`signup ${record.clientIp}`, { limit, perMinute: limit })
  if (isEmpty || tenant.suspiciousAddresses.has(record.clientIp)) throw throttled('too_many_attempts', headers)
  return headers
}

function readSignup({ tenant }: World, params: Params): Signup {
  const [connection, email] = [required(params, 'connection'), required(params, 'email')]
  if (tenant.signupsDisabled || !tenant.connections.includes(connection)) throw databaseRefusal('invalidSignup')
  if (tenant.signupCaptcha) throw databaseRefusal('captcha')
  const username = textParam(params, 'username')
  if (tenant.requiresUsername && username === undefined) {
    throw saying(`missing username for ${connection} connection with requires_username enabled`)
  }
  // The password policy refuses empty passwords.
  const password = typeof params.password === 'string' ? params.password : required(params, 'password')
  return { connection, email, username, password, profile: readProfile(params) }
}

function required(params: Params, name: string): string {
  const value = textParam(params, name)
  if (value === undefined) throw saying(`missing ${name} parameter`)
  return value
}

const PROFILE = ['given_name', 'family_name', 'name', 'nickname', 'picture']

function readProfile(params: Params): Record<string, unknown> {
  const texts = PROFILE.flatMap((name) => {
    const value = textParam(params, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  const { user_metadata } = params
  if (user_metadata === undefined) return Object.fromEntries(texts)
  if (!isMetadata(user_metadata)) throw databaseRefusal('badMetadata')
  return { ...Object.fromEntries(texts), user_metadata }
}

function isMetadata(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value as Record<string, unknown>)
  const fits = ([name, text]: [string, unknown]) => name.length <= 100 && typeof text === 'string' && text.length <= 500
  return entries.length <= 10 && entries.every(fits)
}

function checkPassword(policy: PasswordPolicy, { password, ...person }: Signup): void {
  const weak = weakPassword(policy, password)
  if (weak) throw new Refusal(400, weak)
  const lower = password.toLowerCase()
  if (policy.dictionary?.some((common) => common.toLowerCase() === lower)) throw databaseRefusal('commonPassword')
  if (policy.noUserInfo && namesOf(person).some((name) => lower.includes(name)))
    throw databaseRefusal('personalPassword')
  if (password.startsWith(BREACHED_PREFIX)) throw databaseRefusal('leakedPassword')
}

function namesOf({ email, username, profile }: Omit<Signup, 'password'>): string[] {
  const names: unknown[] = [email.split('@')[0], username, profile.name, profile.given_name, profile.family_name]
  return names.filter((name) => typeof name === 'string' && name !== '').map((name) => String(name).toLowerCase())
}

function deniedByAction(description: string): Refusal {
  return new Refusal(400, { name: 'BadRequestError', code: 'extensibility_error', description, statusCode: 400 })
}

function checkDuplicates({ tenant, users }: World, { connection, email, username }: Signup): void {
  const isKnown = (identifier: string) => users.findAccount(connection, identifier) !== undefined
  const [emailTaken, usernameTaken] = [isKnown(email), username !== undefined && isKnown(username)]
  if ((emailTaken || usernameTaken) && tenant.genericSignupErrors) throw databaseRefusal('invalidSignup')
  if (emailTaken) throw databaseRefusal('userExists')
  if (usernameTaken) throw databaseRefusal('usernameExists')
}

function createUser({ users }: World, signup: Signup): Record<string, unknown> {
  const { connection, email, username, password, profile } = signup
  const { name, user_metadata: _metadata, ...claims } = profile
  const identifiers = { email, ...(username !== undefined && { username }) }
  const named = typeof name === 'string' && { name }
  const user = users.add({ ...identifiers, password, connection, claims, ...named, emailVerified: false })
  return { _id: user.sub.replace('auth0|', ''), email_verified: false, ...identifiers, ...profile }
}
