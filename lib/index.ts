import './node-version.js'

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
export { getAuth } from './http/get-auth.js'
export { messageFirst } from './options/message-first.js'

export type { PasswordResetArguments, SignedUp, SignUpArguments } from './auth0/database-connections.js'
export type {
  MfaAuthenticator,
  MfaChallenge,
  MfaChallengeArguments,
  MfaEnrollArguments,
  MfaEnrollment,
  MfaFactor,
} from './auth0/mfa.js'
export type { PasswordGrantArguments } from './auth0/password-grant.js'
export type { RefreshGrantArguments } from './auth0/refresh-grant.js'
export type { RopgClient, RopgMfaClient } from './auth0/ropg-client.js'
export type { Grant } from './auth0/token-response.js'
export type { MfaGrant, VerifyMfaArguments } from './auth0/verify-mfa.js'
export type { RopgAuth } from './create-ropg-auth.js'
export type { Auth0Answer, AuthErrorCode, MfaRequirements, PublicDetails } from './errors.js'
export type { AuthEvent, AuthEventName, Logger } from './events.js'
export type { SessionInfo, UserSessions } from './flows/revoke-sessions.js'
export type { AccessToken, Wanted } from './flows/token-choice.js'
export type { LoginInput } from './http/credentials.js'
export type { AuthenticatedRequest } from './http/express-types.js'
export type {
  AuthMiddleware,
  ExpectedClaim,
  GuardBehindAuth,
  OptionalAuth,
  RequireAuth,
  RequireClaim,
  RequirePermission,
  RequireRecentLogin,
  RequireScope,
} from './http/guard-types.js'
export type { LoginResult } from './http/own-route.js'
export type { RequestAuth } from './http/types.js'
export type { InteractiveOptions, PagesOptions } from './options/browser-ways.js'
export type { LoginData, UserAddress, UserClaims } from './options/claims.js'
export type { MessageFirstLogger } from './options/message-first.js'
export type { AcceptedLogin, OnLogin } from './options/on-login.js'
export type { RopgAuthOptions, Seams, TestClock, Timeouts } from './options/options.js'
export type { Limit, LimitOptions, RateLimitOptions } from './options/rate-limit-options.js'
export type { CookieOptions, Lifetime, SessionOptions } from './options/session-options.js'
