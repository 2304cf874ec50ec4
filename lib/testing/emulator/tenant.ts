import { LOOPBACK_URLS } from './allowed-urls.js'
import { GRANT_TYPES } from './grant-types.js'
import type { EmulatorOptions, EmulatorTenant, EmulatorUser } from './types.js'

export const DEFAULT_CONNECTION = 'Username-Password-Authentication'

export const DEFAULT_CLIENT = {
  clientId: 'emulator-client',
  clientSecret: 'emulator-secret-of-forty-eight-characters-000000',
}

export const DEFAULT_USERS: EmulatorUser[] = [
  { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' },
]

export function createTenant(options: EmulatorOptions): EmulatorTenant {
  const connections = options.connections ?? [DEFAULT_CONNECTION, 'customers']
  // Sealed, because changing a setting that does not exist would have no effect.
  return Object.seal({
    connections,
    // Not ??, because null means none.
    defaultConnection: options.defaultConnection === undefined ? (connections[0] ?? null) : options.defaultConnection,
    apis: options.apis ?? [{ audience: 'https://api.example.com', scopes: ['read:posts', 'write:posts'] }],
    defaultAudience: options.defaultAudience,
    grantTypes: options.grantTypes ?? Object.values(GRANT_TYPES),
    trustForwardedFor: options.trustForwardedFor ?? false,
    refreshPolicies: options.refreshPolicies ?? [],
    suspiciousAddresses: options.suspiciousAddresses ?? new Set(),
    bruteForceThreshold: options.bruteForceThreshold ?? 10,
    ...tokenSettings(options),
    ...browserSettings(options),
    ...databaseSettings(options),
  })
}

function tokenSettings(options: EmulatorOptions) {
  return {
    rotation: options.rotation ?? true,
    leeway: options.leeway ?? 0,
    accessTokenTtl: options.accessTokenTtl ?? 86_400,
    idTokenTtl: options.idTokenTtl ?? 36_000,
    refreshTokenLifetime: options.refreshTokenLifetime ?? 2_592_000,
    refreshTokenIdleLifetime: options.refreshTokenIdleLifetime ?? 2_592_000,
  }
}

function browserSettings(options: EmulatorOptions) {
  return {
    callbacks: options.callbacks ?? [...LOOPBACK_URLS],
    logoutUrls: options.logoutUrls ?? [...LOOPBACK_URLS],
    rpLogout: options.rpLogout ?? true,
    logoutPrompt: options.logoutPrompt ?? true,
    backchannelLogoutUrl: options.backchannelLogoutUrl,
  }
}

function databaseSettings(options: EmulatorOptions) {
  return {
    genericSignupErrors: options.genericSignupErrors ?? true,
    signupsDisabled: options.signupsDisabled ?? false,
    requiresUsername: options.requiresUsername ?? false,
    signupCaptcha: options.signupCaptcha ?? false,
    signupDenied: options.signupDenied,
    passwordPolicy: { ...options.passwordPolicy },
    signupLimit: options.signupLimit ?? 50,
    resetLimit: options.resetLimit ?? 10,
    enterpriseDomains: options.enterpriseDomains ?? [],
  }
}
