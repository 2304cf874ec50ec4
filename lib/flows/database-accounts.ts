import { requestPasswordReset, signUp, type SignedUp, type SignUpArguments } from '../auth0/database-connections.js'
import type { PasswordGrantParts } from '../auth0/password-grant.js'

/** Name of the connection that every new tenant has. */
const DEFAULT_CONNECTION = 'Username-Password-Authentication'

export type DatabaseAccounts = ReturnType<typeof createDatabaseAccounts>

/** Signup and password reset for the database connection `realm`. */
export function createDatabaseAccounts(parts: PasswordGrantParts) {
  const connection = parts.config.realm ?? DEFAULT_CONNECTION
  return {
    signUp: (account: Omit<SignUpArguments, 'connection'>): Promise<SignedUp> =>
      signUp(parts, { ...account, connection }),
    requestPasswordReset: (email: string): Promise<void> => requestPasswordReset(parts, { email, connection }),
  }
}
