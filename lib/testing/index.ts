import '../node-version.js'

export { startAuth0Emulator } from './emulator.js'
export { signIn } from './sign-in.js'
export { createTestClock } from './test-clock.js'

export type {
  Auth0Emulator,
  BrowserSettings,
  DatabaseSettings,
  EmulatorApi,
  EmulatorClock,
  EmulatorFactor,
  EmulatorMessage,
  EmulatorMfa,
  EmulatorMfaControls,
  EmulatorOptions,
  EmulatorRefreshTokens,
  EmulatorTenant,
  EmulatorUser,
  EmulatorUserChanges,
  EmulatorUsers,
  Fault,
  Gate,
  LogoutTokenChanges,
  PasswordPolicy,
  PasswordReset,
  RecordedRequest,
  RefreshPolicy,
  RequestMatch,
  StoredUser,
} from './emulator.js'
export type { CookieAgent, TestClaims, TestSession } from './sign-in.js'
