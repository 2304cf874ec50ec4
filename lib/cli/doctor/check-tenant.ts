import { createAuth0Client, type Auth0Client } from '../../auth0/client.js'
import { createVerifySignature } from '../../auth0/id-token.js'
import type { GrantParts } from '../../auth0/verified-grant.js'
import type { Env } from '../../options/environment.js'
import type { Config } from '../../options/options.js'
import { checkGrants, refusalOf } from './check-grants.js'
import { checkLogin } from './check-login.js'
import { checkUrls } from './check-urls.js'
import { fault, note, ok, skipped, TENANT, type Finding } from './finding.js'

export interface TenantSurroundings {
  env: Env
  /** Mount path of the router. */
  mount: string
}

export async function checkTenant(config: Config, { env, mount }: TenantSurroundings): Promise<Finding[]> {
  const client = createAuth0Client(config)
  try {
    const refusal = await refusalOf(client.configuration())
    if (refusal)
      return [
        fault(TENANT.discovery, refusal.detail),
        skipped(TENANT.client, 'not checked, because discovery failed: fix that first'),
      ]
    const parts: GrantParts = { client, config, verify: createVerifySignature(client, config) }
    return [
      ok(TENANT.discovery, `${config.issuer.origin} answers`),
      ...(await checkKeys(client, config)),
      ...(await checkGrants(parts)),
      ...(config.forwardClientIp ? [skipped(TENANT.forwarded, FORWARDED)] : []),
      ...(await checkLogin(parts, env)),
      ...(await checkUrls(parts, mount)),
    ]
  } finally {
    await client.close()
  }
}

const FORWARDED =
  'cannot be checked from outside: make sure that it is on, or Auth0 counts every login against the address of this server'

/** Clock skew in seconds: what the package tolerates, and what is worth a note. */
const MOST_SKEW = 30
const SKEW = 5

async function checkKeys(client: Auth0Client, config: Config): Promise<Finding[]> {
  const metadata = (await client.configuration()).serverMetadata()
  try {
    const response = await client.fetch(metadata.jwks_uri ?? '')
    const { keys = [] } = (await response.json()) as { keys?: { kty?: string }[] }
    const supported = metadata.id_token_signing_alg_values_supported
    return [skewOf(response.headers.get('date'), config), keysOf(keys, { supported, alg: config.idTokenSigningAlg })]
  } catch {
    return [fault(TENANT.keys, `cannot be fetched: let this machine connect to ${metadata.jwks_uri ?? 'the jwks_uri'}`)]
  }
}

interface Algorithms {
  alg: Config['idTokenSigningAlg']
  supported: string[] | undefined
}

function keysOf(keys: { kty?: string }[], { alg, supported }: Algorithms): Finding {
  if (supported && !supported.includes(alg)) {
    const algorithms = supported.join(' or ')
    return fault(TENANT.keys, `the tenant signs with ${algorithms}, not with ${alg}: set idTokenSigningAlg accordingly`)
  }
  if (alg === 'HS256') return ok(TENANT.keys, 'HS256, which is verified with the client secret')
  const usable = keys.filter(({ kty }) => kty === 'RSA').length
  if (usable === 0)
    return fault(
      TENANT.keys,
      `the tenant publishes no key for ${alg}: set idTokenSigningAlg to what the application uses`,
    )
  return ok(TENANT.keys, `${String(usable)} published, for ${alg}`)
}

/** The Date header has whole seconds, so the server's time is half a second later on average. */
function skewOf(date: string | null, { clock }: Config): Finding {
  const theirs = Date.parse(date ?? '')
  if (Number.isNaN(theirs)) return skipped(TENANT.clock, "Auth0's response has no Date header")
  const skew = Math.round((clock() - theirs - 500) / 1000)
  const text = `${String(Math.abs(skew))} s ${skew < 0 ? 'behind' : 'ahead of'} Auth0`
  if (Math.abs(skew) > MOST_SKEW) return fault(TENANT.clock, `${text}, so tokens fail verification: turn on NTP`)
  return Math.abs(skew) > SKEW ? note(TENANT.clock, text) : ok(TENANT.clock, 'agrees with that of Auth0')
}
