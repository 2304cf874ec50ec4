import { randomBytes } from 'node:crypto'
import type { Configuration, Provider } from 'oidc-provider'
import { JWKS_PATH } from './discovery.js'
import { createProviderRecords } from './provider-records.js'
import type { SigningKeys } from './signing-keys.js'

interface ProviderParts {
  issuer: string
  keys: SigningKeys
}

/**
 * Uses oidc-provider for discovery and keys. All other endpoints are the emulator's own, because they use its clock,
 * share its tokens, and return Auth0's errors.
 */
export async function createProvider(parts: ProviderParts): Promise<Provider> {
  const { Provider: OidcProvider } = await loadProvider()
  const provider = new OidcProvider(parts.issuer, configure(parts))
  // Koa would log every aborted request.
  provider.silent = true
  return provider
}

function configure({ keys }: ProviderParts): Configuration {
  return {
    adapter: createProviderRecords(),
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: keys.jwks },
    features: FEATURES,
    routes: ROUTES,
  }
}

const FEATURES = {
  devInteractions: { enabled: false },
  dPoP: { enabled: false },
  pushedAuthorizationRequests: { enabled: false },
  revocation: { enabled: true },
}

const ROUTES = {
  authorization: '/authorize',
  end_session: '/oidc/logout',
  jwks: JWKS_PATH,
  revocation: '/oauth/revoke',
  token: '/oauth/token',
  userinfo: '/userinfo',
}

interface OidcProviderModule {
  Provider: typeof Provider
}

let loading: Promise<OidcProviderModule> | undefined

/** @throws Error if the package is not installed. */
export function loadProvider(): Promise<OidcProviderModule> {
  loading ??= quietly(() => import('oidc-provider')).catch((err: unknown) => {
    loading = undefined
    throw isMissing(err)
      ? new Error('the Auth0 emulator needs oidc-provider: npm install --save-dev oidc-provider')
      : err
  })
  return loading
}

/** Whether the package itself is missing, rather than one of its dependencies. */
function isMissing(err: unknown): boolean {
  const { code, message = '' } = Object(err) as { code?: string; message?: string }
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(code ?? '') && message.includes("'oidc-provider'")
}

/** oidc-provider warns about Node 20 while loading, but what is used here works there. */
async function quietly<Result>(load: () => Promise<Result>): Promise<Result> {
  const { console } = globalThis
  const warn = Reflect.get(console, 'warn') as (...said: unknown[]) => void
  console.warn = (...said: unknown[]) => {
    if (!String(said[0]).includes('oidc-provider WARNING: Unsupported runtime')) warn.apply(console, said)
  }
  try {
    return await load()
  } finally {
    console.warn = warn
  }
}
