/** The grants this emulator knows. */
export const GRANT_TYPES = {
  authorizationCode: 'authorization_code',
  password: 'password',
  passwordRealm: 'http://auth0.com/oauth/grant-type/password-realm',
  refreshToken: 'refresh_token',
} as const
