import { randomUUID } from 'node:crypto'
import { passwordGrant } from '../../auth0/password-grant.js'
import { refreshGrant } from '../../auth0/refresh-grant.js'
import type { GrantParts } from '../../auth0/verified-grant.js'
import { verifyMfa, type MfaProof } from '../../auth0/verify-mfa.js'
import { AuthError } from '../../errors.js'
import { fault, note, ok, skipped, TENANT, type Finding, type Subject } from './finding.js'

/** The setting that made Auth0 refuse a grant. */
type Reason = 'client' | 'grant' | 'realm' | 'audience'

/**
 * Requests tokens for a nonexistent user: Auth0 checks all settings before the user. The name is new each time
 * so that no account gets blocked.
 */
export async function checkGrants(parts: GrantParts): Promise<Finding[]> {
  const { realm, allowedRealms } = parts.config
  const main = await tryPassword(parts, realm)
  const findings = readMain(parts, main)
  if (main && reasonOf(main) === 'client')
    return [...findings, skipped(TENANT.refresh, 'not checked, because Auth0 rejects the client: fix that first')]
  return [
    ...findings,
    ...(await checkOtherGrant(parts)),
    ...(await checkRealms(parts, allowedRealms)),
    await checkRefresh(parts),
    ...(parts.config.mfa === 'api' ? [await checkMfa(parts)] : []),
  ]
}

async function tryPassword(parts: GrantParts, realm: string | undefined): Promise<AuthError | undefined> {
  const config = { ...parts.config, realm }
  return refusalOf(
    passwordGrant({ ...parts, config }, { username: `doctor-${randomUUID()}@example.invalid`, password: randomUUID() }),
  )
}

/** Resolves to the error that a call rejects with. */
export async function refusalOf(call: Promise<unknown>): Promise<AuthError | undefined> {
  try {
    await call
    return undefined
  } catch (err) {
    if (err instanceof AuthError) return err
    throw err
  }
}

/** Undefined if Auth0 refused the user, which means that it accepted all settings. */
function reasonOf({ code, auth0 }: AuthError): Reason | undefined {
  if (code !== 'configuration_error') return undefined
  const { error = '', description = '' } = auth0 ?? {}
  if (/^(unauthorized_client|unsupported_grant_type)$/.test(error)) return 'grant'
  if (/service not |resource server|audience/i.test(description)) return 'audience'
  return /^(access_denied|invalid_client)$/.test(error) ? 'client' : 'realm'
}

const UNDECIDED = new Set(['auth_unavailable', 'too_many_attempts'])

function readMain({ config }: GrantParts, refusal: AuthError | undefined): Finding[] {
  const place = config.realm === undefined ? TENANT.directory : TENANT.realm
  const subjects: [Reason, Subject, string][] = [
    ['client', TENANT.client, 'Auth0 accepts the client and its credentials'],
    ['grant', TENANT.grant, 'turned on'],
    ['realm', place, config.realm === undefined ? 'Auth0 uses it to look up users' : 'exists'],
    ...(config.audience === undefined
      ? []
      : [['audience', TENANT.audience, 'exists'] satisfies [Reason, Subject, string]]),
  ]
  if (refusal && UNDECIDED.has(refusal.code)) return [fault(TENANT.grant, `not checked: ${refusal.detail}`)]
  const reason = refusal && reasonOf(refusal)
  return subjects.map(([name, subject, text]) => {
    if (refusal && name === reason) return fault(subject, refusal.detail)
    return wasReached(name, reason)
      ? ok(subject, text)
      : skipped(subject, 'not checked, because the password grant fails before this: fix that first')
  })
}

/** Auth0 checks the client, then the grant, then everything else in no fixed order. */
function wasReached(name: Reason, reason: Reason | undefined): boolean {
  if (reason === undefined) return true
  return name === 'client' || (name === 'grant' && reason !== 'client')
}

/** The grant that these options do not use, but logins with a `realm` or another app might. */
async function checkOtherGrant(parts: GrantParts): Promise<Finding[]> {
  const isRealmGrant = parts.config.realm === undefined
  const refusal = await tryPassword(parts, isRealmGrant ? `doctor-${randomUUID()}` : undefined)
  const name = isRealmGrant ? 'http://auth0.com/oauth/grant-type/password-realm' : 'password'
  const unused = `needed only for ${isRealmGrant ? 'logins with a realm' : 'logins without a realm'}`
  if (refusal && reasonOf(refusal) === 'grant') return [note(TENANT.otherGrant, `${name} is turned off; ${unused}`)]
  return [ok(TENANT.otherGrant, `${name} is turned on`)]
}

async function checkRealms(parts: GrantParts, realms: readonly string[]): Promise<Finding[]> {
  const refusals = await Promise.all(realms.map((realm) => tryPassword(parts, realm)))
  const problems = refusals.flatMap((refusal) => (refusal && reasonOf(refusal) ? [refusal.detail] : []))
  if (realms.length === 0) return []
  const [problem] = problems
  return [problem === undefined ? ok(TENANT.allowedRealms, 'all exist') : fault(TENANT.allowedRealms, problem)]
}

const REFRESH_OFF =
  'the refresh grant is off for this application, so Auth0 issues no refresh tokens and remember_me logins end with the ' +
  'access token: turn on Refresh Token'

async function checkRefresh({ client, config }: GrantParts): Promise<Finding> {
  const refusal = await refusalOf(refreshGrant(client, config, { refreshToken: `doctor-${randomUUID()}` }))
  if (refusal && reasonOf(refusal) === 'grant') return fault(TENANT.refresh, REFRESH_OFF)
  if (refusal && (reasonOf(refusal) || UNDECIDED.has(refusal.code))) return fault(TENANT.refresh, refusal.detail)
  return ok(TENANT.refresh, 'turned on')
}

async function checkMfa(parts: GrantParts): Promise<Finding> {
  const proofs: MfaProof[] = [
    { otp: '000000' },
    { oobCode: 'doctor', bindingCode: '000000' },
    { recoveryCode: 'doctor' },
  ]
  const refusals = await Promise.all(
    proofs.map((proof) => refusalOf(verifyMfa(parts, { ...proof, mfaToken: `doctor-${randomUUID()}` }))),
  )
  const off = refusals.find((refusal) => refusal && reasonOf(refusal) === 'grant')
  return off ? fault(TENANT.mfa, off.detail) : ok(TENANT.mfa, 'turned on')
}
