import { AuthError, ConfigurationError } from '../../errors.js'
import type { RequireRecentLogin } from '../guard-types.js'
import { factory, guardBehindAuth, type GuardTools } from './behind-auth.js'

const example = 'auth.requireRecentLogin({ maxAge: 300 })'

/**
 * 401 `reauthentication_required` unless the user entered the password within `maxAge` seconds, here or at Auth0. Logging
 * in again keeps session data.
 *
 * @param now The clock of the store, which dated the login. The clock of this process may differ.
 */
export function createRequireRecentLogin(tools: GuardTools, now: () => Promise<number>): RequireRecentLogin {
  const make: RequireRecentLogin = (options) => {
    const { maxAge } = Object(options) as Partial<typeof options>
    if (typeof maxAge !== 'number' || !(maxAge > 0)) {
      throw new ConfigurationError(`maxAge of requireRecentLogin must be a number of seconds above 0: ${example}`)
    }
    return guardBehindAuth({
      ...tools,
      name: 'requireRecentLogin',
      check: async ({ login: { since, authenticated = since } }) =>
        (await now()) - authenticated <= maxAge * 1000 ? undefined : new AuthError('reauthentication_required'),
    })
  }
  return factory(make, { ...tools, example })
}
