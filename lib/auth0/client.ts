import * as oidc from 'openid-client'
import { startDeadline } from '../deadline.js'
import type { Config } from '../options/options.js'
import { createHttpClient } from './http-client.js'
import { toAuthError } from './oauth-error.js'

/** What every call to Auth0 goes through: one Configuration, found lazily, with deadlines. */
export interface Auth0Client {
  /** Discovers on first use; concurrent callers share one request, and a failure is not kept. */
  configuration(): Promise<oidc.Configuration>
  /** For what openid-client does not fetch itself. */
  fetch: typeof fetch
  /** Closes the connections that are kept alive. */
  close(): Promise<void>
}

/**
 * The end user's address among the parameters of a grant. openid-client takes parameters for one call but no headers, so
 * what goes by this name is taken out on the way and leaves as a header.
 */
export const FORWARDED_FOR = 'auth0-forwarded-for'

export function createAuth0Client(config: Config): Auth0Client {
  const http = config.fetch ? { fetch: config.fetch, close: () => Promise.resolve() } : createHttpClient()
  let found: Promise<oidc.Configuration> | undefined

  const forward: oidc.CustomFetch = async (url, { signal: _theirs, ...init }) => {
    const headers = { ...init.headers, ...takeAddress(init.body) }
    const [signal, finished] = deadlineSignal(config.timeouts.auth0)
    try {
      return await http.fetch(url, { ...init, headers, signal } as RequestInit)
    } finally {
      finished()
    }
  }
  return {
    configuration: () =>
      (found ??= discover(config, forward).catch((err: unknown) => {
        found = undefined
        throw err
      })),
    fetch: http.fetch,
    close: () => http.close(),
  }
}

function takeAddress(body: unknown): Record<string, string> {
  if (!(body instanceof URLSearchParams)) return {}
  const address = body.get(FORWARDED_FOR)
  body.delete(FORWARDED_FOR)
  return address === null ? {} : { [FORWARDED_FOR]: address }
}

/** Named as that of `AbortSignal.timeout`, by which openid-client knows it. */
function deadlineSignal(ms: number): [signal: AbortSignal, finished: () => void] {
  const controller = new AbortController()
  const finished = startDeadline(ms, () => {
    controller.abort(new DOMException('Auth0 did not answer in time', 'TimeoutError'))
  })
  return [controller.signal, finished]
}

async function discover(config: Config, forward: oidc.CustomFetch): Promise<oidc.Configuration> {
  const { issuer, clientId, clientSecret, clientAuth } = config
  try {
    const found = await oidc.discovery(
      issuer,
      clientId,
      metadataOf(config),
      clientAuth ?? oidc.ClientSecretPost(clientSecret),
      {
        // The slash at the end belongs to Auth0's issuer, and openid-client compares to the letter.
        [oidc.customFetch]: forward,
        // Ours comes first; this one would count time in which the process stood still.
        timeout: 60 + config.timeouts.auth0 / 1000,
        execute: extensionsOf(config),
      },
    )
    // From here on none of theirs: each would leave a timer running for longer than the call.
    found.timeout = 0
    return found
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
