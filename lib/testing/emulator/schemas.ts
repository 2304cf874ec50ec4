import { z } from 'zod'
import type { BrowserSettings } from './browser-types.js'
import type { DatabaseSettings } from './database-types.js'
import type { EmulatorOptions, EmulatorTenant, EmulatorUser, Fault, RequestMatch } from './types.js'

const flag = z.boolean().optional()
const number = z.number().optional()
const text = z.string().optional()
const texts = z.array(z.string()).optional()
const required = z.string().min(1, 'must not be empty')

const FACTORS = ['otp', 'sms', 'voice', 'email', 'push', 'recovery-code'] as const
const factor = z.strictObject({ type: z.enum(FACTORS), name: text, active: flag })
const mfa = z.strictObject({ factors: z.array(factor).optional(), requirements: z.unknown().optional() })

// The compiler checks that each shape has the keys of its interface.
const userShape = {
  ...{ email: required, password: required, username: text, name: text, sub: text, connection: text },
  ...{ claims: z.record(z.string(), z.unknown()).optional(), permissions: texts, emailVerified: flag },
  ...{ blocked: flag, leaked: flag, requiresVerification: flag, interactionRequired: flag },
  ...{ mfa: z.union([z.boolean(), mfa]).optional(), mfaOnRefresh: flag },
  ...{ passwordExpired: flag, passwordChangeRequired: flag, denied: text, ruleError: text, tooManyLogins: flag },
} satisfies Record<keyof EmulatorUser, z.ZodType>

export const userSchema = z.strictObject(userShape)
export const userChangesSchema = userSchema.partial()

const browserShape = {
  ...{ callbacks: texts, logoutUrls: texts, rpLogout: flag, logoutPrompt: flag, backchannelLogoutUrl: text },
} satisfies Record<keyof BrowserSettings, z.ZodType>

const passwordPolicy = z.strictObject({
  level: z.enum(['none', 'low', 'fair', 'good', 'excellent']).optional(),
  ...{ minLength: number, dictionary: texts, noUserInfo: flag },
})

const databaseShape = {
  ...{ genericSignupErrors: flag, signupsDisabled: flag, requiresUsername: flag, signupCaptcha: flag },
  ...{ signupDenied: text, passwordPolicy: passwordPolicy.optional() },
  ...{ signupLimit: number, resetLimit: number, enterpriseDomains: texts },
} satisfies Record<keyof DatabaseSettings, z.ZodType>

const api = z.strictObject({
  ...{ audience: required, scopes: z.array(z.string()), allowOfflineAccess: flag, rbac: flag },
})

const tenantShape = {
  ...browserShape,
  ...databaseShape,
  ...{ connections: texts, defaultConnection: z.string().nullable().optional() },
  ...{ apis: z.array(api).optional(), defaultAudience: text, grantTypes: texts, trustForwardedFor: flag },
  ...{ rotation: flag, leeway: number, accessTokenTtl: number, idTokenTtl: number },
  ...{ refreshTokenLifetime: number, refreshTokenIdleLifetime: number, bruteForceThreshold: number },
  refreshPolicies: z.array(z.strictObject({ audience: required, scope: z.array(z.string()) })).optional(),
  suspiciousAddresses: z.set(z.string()).optional(),
} satisfies Record<keyof EmulatorTenant, z.ZodType>

const optionsShape = {
  users: z.array(userSchema).optional(),
  ...{ clientId: text, clientSecret: text },
  clientJwks: z.looseObject({ keys: z.array(z.looseObject({})) }).optional(),
  idTokenSigningAlg: z.enum(['RS256', 'PS256', 'HS256']).optional(),
  ...{ port: number, domain: text },
  ...tenantShape,
} satisfies Record<keyof EmulatorOptions, z.ZodType>

export const emulatorSchema = z.strictObject(optionsShape)

const matchShape = { path: text, grantType: text } satisfies Record<keyof RequestMatch, z.ZodType>

export const gateSchema = z.strictObject({ ...matchShape, after: flag })

const faultShape = {
  ...matchShape,
  ...{ status: number, body: z.unknown().optional(), headers: z.record(z.string(), z.string()).optional() },
  ...{ delay: number, hang: flag, reset: flag, truncate: flag, afterProcessing: flag, times: number },
} satisfies Record<keyof Fault, z.ZodType>

export const faultSchema = z.strictObject(faultShape)
