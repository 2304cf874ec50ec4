export { createRopgAuth } from './create-ropg-auth.js'
export {
  ApiError,
  AuthError,
  ConfigurationError,
  MfaRequiredError,
  MissingRequiredArgumentError,
  SessionUnavailableError,
  TokenByPasswordError,
} from './errors.js'

export type { PasswordGrantArguments } from './auth0/password-grant.js'
export type { RefreshGrantArguments } from './auth0/refresh-grant.js'
export type { Grant } from './auth0/token-response.js'
export type { RopgAuth, RopgClient } from './create-ropg-auth.js'
export type { Auth0Answer, AuthErrorCode, PublicDetails } from './errors.js'
export type { AuthEvent, AuthEventName, Logger } from './events.js'
export type { SessionInfo, UserSessions } from './flows/revoke-sessions.js'
export type { AccessToken, Wanted } from './flows/token-choice.js'
export type { LoginInput } from './http/credentials.js'
export type { OptionalAuth, RequireAuth } from './http/guards/require-auth.js'
export type { RequireScope } from './http/guards/require-scope.js'
export type { LoginResult } from './http/own-route.js'
export type { RequestAuth } from './http/types.js'
export type {
  CookieOptions,
  Lifetime,
  Limit,
  RateLimitOptions,
  RopgAuthOptions,
  Seams,
  SessionOptions,
  Timeouts,
} from './options/options.js'
