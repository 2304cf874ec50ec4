import { AsyncLocalStorage } from 'node:async_hooks'
import * as oidc from 'openid-client'
import type { Config } from '../options.js'
import { toAuthError } from './oauth-error.js'

/** What every call to Auth0 goes through: one Configuration, found lazily, with deadlines. */
export interface Auth0Client {
  /** Discovers on first use; concurrent callers share one request, and a failure is not kept. */
  configuration(): Promise<oidc.Configuration>
  /** Requests made within `call` tell Auth0 the end user's address. */
  onBehalfOf<T>(address: string | undefined, call: () => Promise<T>): Promise<T>
}

export function createAuth0Client(config: Config): Auth0Client {
  const address = new AsyncLocalStorage<string | undefined>()
  let found: Promise<oidc.Configuration> | undefined

  const forward: oidc.CustomFetch = (url, init) => {
    const ip = init.method === 'POST' ? address.getStore() : undefined
    const headers = ip === undefined ? init.headers : { ...init.headers, 'auth0-forwarded-for': ip }
    return config.fetch(url, { ...init, headers } as RequestInit)
  }
  return {
    configuration: () =>
      (found ??= discover(config, forward).catch((err: unknown) => {
        found = undefined
        throw err
      })),
    onBehalfOf: (ip, call) => address.run(ip, call),
  }
}

async function discover(config: Config, forward: oidc.CustomFetch): Promise<oidc.Configuration> {
  const { issuer, clientId, clientSecret, clientAuth } = config
  try {
    return await oidc.discovery(
      issuer,
      clientId,
      metadataOf(config),
      clientAuth ?? oidc.ClientSecretPost(clientSecret),
      {
        // The slash at the end belongs to Auth0's issuer, and openid-client compares to the letter.
        [oidc.customFetch]: forward,
        timeout: config.timeouts.auth0 / 1000,
        execute: extensionsOf(config),
      },
    )
  } catch (err) {
    throw await toAuthError(err, { step: 'discovery', host: issuer.host })
  }
}

function metadataOf({ clientSecret, idTokenSigningAlg }: Config): Partial<oidc.ClientMetadata> {
  return {
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    id_token_signed_response_alg: idTokenSigningAlg,
  }
}

function extensionsOf({ issuer }: Config): ((config: oidc.Configuration) => void)[] {
  return [
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- resolveOptions lets http: pass for loopback hosts only
    ...(issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
  ]
}
