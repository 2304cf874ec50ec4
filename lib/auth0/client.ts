import * as oidc from 'openid-client'
import { startDeadline } from '../deadline.js'
import { tracedCall, type Attributes } from '../telemetry.js'
import type { Config } from '../options/options.js'
import { findOnce } from './find-once.js'
import { createHttpClient, type Fetch, type HttpClient } from './http-client.js'
import { toAuthError } from './oauth-error.js'

/** Used for every call to Auth0. It shares one Configuration and gives each request a deadline. */
export interface Auth0Client {
  /** Runs discovery on first use and caches the result. Concurrent callers share one request. */
  configuration(): Promise<oidc.Configuration>
  /** For requests that openid-client does not send itself. */
  fetch: Fetch
  /** Closes all connections. */
  close(): Promise<void>
}

/**
 * Grant parameter with the end user's IP address. openid-client supports parameters but no headers per call, so the
 * parameter is turned into a header before sending.
 */
export const FORWARDED_FOR = 'auth0-forwarded-for'

export function createAuth0Client(config: Config): Auth0Client {
  const http: HttpClient = config.fetch
    ? { fetch: config.fetch, close: () => Promise.resolve() }
    : createHttpClient(config.timeouts.auth0)

  // Replaces the timeouts of openid-client and jose, which also count time while the process is suspended.
  const fetchInTime: Fetch = async (url, init) => {
    const [signal, finished] = deadlineSignal(config.timeouts.auth0)
    try {
      return await tracedCall(...spanOf(url, init), () => http.fetch(url, { ...init, signal }))
    } finally {
      finished()
    }
  }
  const forward: oidc.CustomFetch = (url, init) => {
    const address = takeAddress(init.body)
    const isSent = address !== null && (config.forwardClientIp === true || isAuthenticated(init))
    const headers = { ...init.headers, ...(isSent && { [FORWARDED_FOR]: address }) }
    return fetchInTime(url, { ...init, headers } as RequestInit)
  }
  return {
    configuration: findOnce(() => discover(config, forward)),
    fetch: fetchInTime,
    close: () => http.close(),
  }
}

/** Omits the query, because it may contain secrets. */
function spanOf(url: string | URL, { method = 'GET' }: RequestInit = {}): [name: string, attributes: Attributes] {
  const { hostname, pathname } = new URL(url)
  return [method, { 'http.request.method': method, 'server.address': hostname, 'url.path': pathname }]
}

function takeAddress(body: unknown): string | null {
  if (!(body instanceof URLSearchParams)) return null
  const address = body.get(FORWARDED_FOR)
  body.delete(FORWARDED_FOR)
  return address
}

/** Auth0 accepts addresses only from such clients. `TlsClientAuth()` cannot be distinguished from `None()`. */
function isAuthenticated({ headers, body }: Parameters<oidc.CustomFetch>[1]): boolean {
  const sends = (parameter: string) => body instanceof URLSearchParams && body.has(parameter)
  return headers.authorization !== undefined || sends('client_secret') || sends('client_assertion')
}

/** Aborts with the same error as `AbortSignal.timeout`, because openid-client and jose check its name. */
function deadlineSignal(ms: number): [signal: AbortSignal, finished: () => void] {
  const controller = new AbortController()
  const finished = startDeadline(ms, () => {
    controller.abort(new DOMException('Auth0 did not answer in time', 'TimeoutError'))
  })
  return [controller.signal, finished]
}

async function discover(config: Config, forward: oidc.CustomFetch): Promise<oidc.Configuration> {
  const { issuer, clientId } = config
  try {
    const found = await oidc.discovery(issuer, clientId, metadataOf(config), clientAuthOf(config), {
      [oidc.customFetch]: forward,
      // Longer than the deadline of `fetchInTime`, which applies first.
      timeout: 60 + config.timeouts.auth0 / 1000,
      execute: extensionsOf(config),
    })
    // Turned off, because every call would leave a timer behind.
    found.timeout = 0
    return found
  } catch (err) {
    throw await toAuthError(err, { step: 'discovery', host: issuer.host })
  }
}

/** How the client authenticates to Auth0. */
export function clientAuthOf({ clientAuth, clientSecret }: Config): oidc.ClientAuth {
  return clientAuth ?? oidc.ClientSecretPost(clientSecret)
}

/** Seconds by which the clocks of Auth0 and this machine may differ. */
const CLOCK_TOLERANCE = 30

function metadataOf({ clientSecret, idTokenSigningAlg }: Config): Partial<oidc.ClientMetadata> {
  return {
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    id_token_signed_response_alg: idTokenSigningAlg,
    [oidc.clockTolerance]: CLOCK_TOLERANCE,
  }
}

function extensionsOf({ issuer }: Config): ((config: oidc.Configuration) => void)[] {
  return [
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- resolveOptions lets http: pass for loopback hosts only
    ...(issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
  ]
}
