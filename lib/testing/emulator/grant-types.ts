/** The grants this emulator knows. */
export const GRANT_TYPES = {
  password: 'password',
  passwordRealm: 'http://auth0.com/oauth/grant-type/password-realm',
  refreshToken: 'refresh_token',
  authorizationCode: 'authorization_code',
} as const
