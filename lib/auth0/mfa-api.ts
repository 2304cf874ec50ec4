import type { ClientAuth, Configuration } from 'openid-client'
import type { Config } from '../options/options.js'
import { amongLogins } from './at-once.js'
import { clientAuthOf, type Auth0Client } from './client.js'
import { toAuthError } from './oauth-error.js'

export interface MfaCall {
  path: 'authenticators' | 'associate' | 'challenge'
  mfaToken: string
  /** JSON body, to which the client's credentials are added. Without one, the request is a GET. */
  body?: Record<string, unknown> | undefined
}

/** Calls Auth0's MFA API. Resolves to the parsed response, which is not validated, or undefined if it is not JSON. */
export function callMfaApi(parts: Parts, call: MfaCall): Promise<unknown> {
  return amongLogins(() => send(parts, call))
}

interface Parts {
  client: Auth0Client
  config: Config
}

async function send({ client, config }: Parts, { path, mfaToken, body }: MfaCall): Promise<unknown> {
  const configuration = await client.configuration()
  const { issuer } = configuration.serverMetadata()
  const url = `${issuer.replace(/\/$/, '')}/mfa/${path}`
  try {
    const response = await client.fetch(url, await requestInit(config, configuration, { path, mfaToken, body }))
    // toAuthError reads the response from the cause.
    if (!response.ok) throw new Error('Auth0 refused', { cause: response })
    return await response.json().catch(() => undefined)
  } catch (err) {
    const conceal = [mfaToken, config.clientSecret]
    throw await toAuthError(err, { step: 'mfa api', host: new URL(issuer).host, conceal })
  }
}

async function requestInit(
  config: Config,
  configuration: Configuration,
  { path, mfaToken, body }: MfaCall,
): Promise<RequestInit> {
  const bearer = { authorization: `Bearer ${mfaToken}` }
  if (!body) return { method: 'GET', headers: bearer }
  const credentials = await clientCredentials(config, configuration)
  // /mfa/challenge authenticates the client and expects the token as a parameter.
  const [headers, token] = path === 'challenge' ? [credentials.headers, { mfa_token: mfaToken }] : [bearer, {}]
  return {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ ...credentials.parameters, ...token, ...body }),
  }
}

async function clientCredentials(config: Config, configuration: Configuration) {
  const parameters = new URLSearchParams()
  const headers = new Headers()
  // PrivateKeyJwt returns a Promise, although the type says otherwise.
  const prove: (...args: Parameters<ClientAuth>) => unknown = clientAuthOf(config)
  await prove(configuration.serverMetadata(), configuration.clientMetadata(), parameters, headers)
  return { parameters: Object.fromEntries(parameters), headers: Object.fromEntries(headers) }
}
