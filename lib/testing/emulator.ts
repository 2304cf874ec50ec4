import { checkOptions } from './check-options.js'
import { AttackProtection } from './emulator/attack-protection.js'
import { authorizeEndpoint } from './emulator/authorize-endpoint.js'
import { createBrowserLogins } from './emulator/browser-logins.js'
import { changePasswordEndpoint } from './emulator/change-password-endpoint.js'
import { ClientAuthentication } from './emulator/client-authentication.js'
import { createClocks } from './emulator/clock.js'
import { speakLikeAuth0 } from './emulator/discovery.js'
import { serveEndpoints, type Endpoint } from './emulator/endpoints.js'
import { Faults } from './emulator/faults.js'
import { Gates } from './emulator/gates.js'
import { interfere } from './emulator/interference.js'
import { listenOnLoopback } from './emulator/loopback-server.js'
import { loginPageEndpoint } from './emulator/login-page-endpoint.js'
import { oidcLogoutEndpoint, v2LogoutEndpoint } from './emulator/logout-endpoints.js'
import { mintLogoutToken } from './emulator/logout-tokens.js'
import { mfaControls } from './emulator/mfa-controls.js'
import { mfaEndpoints } from './emulator/mfa-endpoints.js'
import { createMfaWorld } from './emulator/mfa-world.js'
import { createProvider, loadProvider } from './emulator/provider.js'
import { recordRequests } from './emulator/recorder.js'
import { RefreshFamilies } from './emulator/refresh-families.js'
import { RequestBuckets } from './emulator/request-buckets.js'
import { revocationEndpoint } from './emulator/revocation-endpoint.js'
import { emulatorSchema, faultSchema, gateSchema, userChangesSchema, userSchema } from './emulator/schemas.js'
import { SigningKeys } from './emulator/signing-keys.js'
import { signupEndpoint } from './emulator/signup-endpoint.js'
import { createTenant, DEFAULT_CLIENT, DEFAULT_USERS } from './emulator/tenant.js'
import { tokenEndpoint } from './emulator/token-endpoint.js'
import { TokenMinter } from './emulator/token-minter.js'
import type { Auth0Emulator, EmulatorClock, EmulatorOptions, RecordedRequest } from './emulator/types.js'
import { userinfoEndpoint } from './emulator/userinfo-endpoint.js'
import { UserDirectory } from './emulator/users.js'
import type { World } from './emulator/world.js'
import { refuseInProduction } from './refuse-in-production.js'

export type { EmulatorFactor, EmulatorMessage, EmulatorMfa, EmulatorMfaControls } from './emulator/mfa-types.js'
export type {
  Auth0Emulator,
  EmulatorApi,
  EmulatorClock,
  EmulatorOptions,
  EmulatorRefreshTokens,
  EmulatorTenant,
  EmulatorUser,
  EmulatorUserChanges,
  EmulatorUsers,
  Fault,
  Gate,
  RecordedRequest,
  RefreshPolicy,
  RequestMatch,
  StoredUser,
} from './emulator/types.js'
export type { BrowserSettings, LogoutTokenChanges } from './emulator/browser-types.js'
export type { DatabaseSettings, PasswordPolicy, PasswordReset } from './emulator/database-types.js'

/**
 * Starts an Auth0 tenant for tests on 127.0.0.1. It has discovery, real signatures, both password grants with Auth0's
 * checks in Auth0's order, the MFA API, refresh token rotation with reuse detection, revocation, attack protection,
 * browser login pages with SSO, both logout endpoints, logout tokens, signup, and password reset.
 *
 * @throws Error with `NODE_ENV=production`, or if `oidc-provider` is not installed; ConfigurationError that names each
 *   unknown or invalid option.
 */
export async function startAuth0Emulator(options: EmulatorOptions = {}): Promise<Auth0Emulator> {
  refuseInProduction('startAuth0Emulator')
  checkOptions('startAuth0Emulator', emulatorSchema, options)
  // Before anything listens that nobody could close.
  await loadProvider()
  const keys = await SigningKeys.create(options.idTokenSigningAlg === 'PS256' ? 'PS256' : 'RS256')
  const server = await listenOnLoopback(options.port ?? 0)
  const domain = options.domain ?? server.domain
  const { steady, tenant: clock } = createClocks()
  const site = { ...clientOf(options), issuer: `${domain}/`, keys, clock }
  const world = createWorld(options, site)
  const interceptors = { gates: new Gates(), faults: new Faults(), requests: [] as RecordedRequest[] }
  const provider = await createProvider(site)
  const endpoints = createEndpoints(world)
  provider.use(recordRequests({ ...interceptors, clock: site.clock, readsBodyOf: (path) => endpoints.has(path) }))
  provider.use(interfere(interceptors.gates, interceptors.faults))
  provider.use(speakLikeAuth0(site.issuer, world.tenant))
  provider.use(serveEndpoints(endpoints))
  const listener = provider.callback()
  server.serve((req, res) => void listener(req, res))
  const close = () => {
    interceptors.gates.openAll()
    return server.close()
  }
  return { domain, clock: steady, ...controls(world, site, interceptors), close }
}

interface Site {
  issuer: string
  clientId: string
  clientSecret: string
  keys: SigningKeys
  clock: EmulatorClock
}

interface Interceptors {
  gates: Gates
  faults: Faults
  requests: RecordedRequest[]
}

function clientOf(options: EmulatorOptions) {
  const { clientId = DEFAULT_CLIENT.clientId, clientSecret = DEFAULT_CLIENT.clientSecret } = options
  return { clientId, clientSecret }
}

function createWorld(options: EmulatorOptions, site: Site): World {
  const tenant = createTenant(options)
  const { issuer, clientSecret, clock } = site
  const idTokenSecret = options.idTokenSigningAlg === 'HS256' ? clientSecret : undefined
  const signing = { ...site, tenant, idTokenSecret }
  return {
    issuer,
    tenant,
    signing,
    browser: createBrowserLogins(clock),
    buckets: new RequestBuckets(clock),
    resets: [],
    users: new UserDirectory(options.users ?? DEFAULT_USERS),
    client: new ClientAuthentication({ ...site, jwks: options.clientJwks }),
    attacks: new AttackProtection(tenant, clock),
    families: new RefreshFamilies(tenant, clock),
    minter: new TokenMinter(signing),
    mfa: createMfaWorld(clock),
  }
}

function createEndpoints(world: World): ReadonlyMap<string, Endpoint> {
  return new Map([
    ['/oauth/token', tokenEndpoint(world)],
    ['/oauth/revoke', revocationEndpoint(world)],
    ['/userinfo', userinfoEndpoint(world)],
    ['/authorize', authorizeEndpoint(world)],
    ['/u/login', loginPageEndpoint(world)],
    ['/oidc/logout', oidcLogoutEndpoint(world)],
    ['/v2/logout', v2LogoutEndpoint(world)],
    ['/dbconnections/signup', signupEndpoint(world)],
    ['/dbconnections/change_password', changePasswordEndpoint(world)],
    ...mfaEndpoints(world),
  ])
}

function controls(world: World, site: Site, { gates, faults, requests }: Interceptors) {
  const { issuer, clientId, clientSecret, keys } = site
  const { tenant, attacks, families, resets } = world
  return {
    ...{ issuer, clientId, clientSecret, tenant, requests },
    users: userControls(world),
    requestsTo: (path: string) => requests.filter((request) => request.path === path),
    failNext(fault = {}) {
      checkOptions('failNext', faultSchema, fault)
      faults.add(fault)
    },
    hold(held = {}) {
      checkOptions('hold', gateSchema, held)
      const { after = false, ...match } = held
      return gates.hold(match, after ? 'after' : 'before')
    },
    unblock: (email: string) => unblock(world, email),
    resetCounters() {
      attacks.reset()
      world.buckets.reset()
      for (const allowance of Object.values(world.mfa.allowances)) allowance.reset()
    },
    refreshTokens: {
      isActive: (token: string) => families.isActive(token),
      revoke: (token: string) => families.revoke(token),
      families: () => families.count(),
    },
    mfa: mfaControls(world),
    rotateSigningKeys: () => keys.rotate(),
    logoutToken: (changes = {}) => mintLogoutToken(world.signing, changes),
    resets,
  } satisfies Omit<Auth0Emulator, 'domain' | 'close' | 'clock'>
}

function userControls(world: World): Auth0Emulator['users'] {
  const { users } = world
  return {
    add(user) {
      checkOptions('users.add', userSchema, user)
      return users.add(user)
    },
    update(email, changes) {
      checkOptions('users.update', userChangesSchema, changes)
      if (changes.password !== undefined) unblock(world, email)
      return users.update(email, changes)
    },
    remove: (email) => users.remove(email),
    get: (email) => users.get(email),
  }
}

function unblock({ users, attacks }: World, email: string): void {
  attacks.unblock(email)
  const username = users.get(email)?.username
  if (username !== undefined) attacks.unblock(username)
}
