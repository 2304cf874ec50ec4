import { logoutUrl } from '../auth0/interactive.js'
import type { PasswordGrantParts } from '../auth0/password-grant.js'
import type { Login } from '../session/login.js'

/** URL at which the browser ends its Auth0 session. Undefined after a password login, which creates none. */
export type LogoutUrl = (ended: readonly Login[]) => Promise<string | undefined>

export function createLogoutUrl({ config, ...parts }: PasswordGrantParts): LogoutUrl {
  const { interactive, pages } = config
  return async (ended) => {
    const login = ended.find((one) => one.interactive)
    if (!interactive || !login) return undefined
    const returnTo = `${interactive.origin}${pages?.afterLogout ?? '/'}`
    // Logout must succeed while Auth0 is down.
    return logoutUrl({ ...parts, config }, { sid: login.sid, returnTo, federated: interactive.federated }).catch(
      () => undefined,
    )
  }
}
