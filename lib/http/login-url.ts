import type { Request } from 'express'
import type { AuthError } from '../errors.js'
import type { Config } from '../options/options.js'
import { returnTarget } from './return-to.js'

/** Context for the login URL. */
export interface LoginUrlHints {
  loginHint?: string | undefined
  returnTo?: unknown
  /** Mount path of the router. Default: where it is mounted, if all requests so far agree. */
  baseUrl?: string
}

/** Errors for which Auth0's login page offers a way to log in. */
const WITH_LOGIN_URL: readonly string[] = ['mfa_required', 'interaction_required', 'login_transaction_missing']

/** `login_url` of error bodies: the `loginUrl` option, or else the route of interactive login, if it is on. */
export function createLoginUrl({ loginUrl, interactive, mfa }: Pick<Config, 'loginUrl' | 'interactive' | 'mfa'>) {
  /** Mount path in lower case -> as requested. */
  const mounts = new Map<string, string>()
  // Which of several, the router alone knows.
  const onlyMount = () => (mounts.size === 1 ? [...mounts.values()][0] : undefined)
  const of = (hints: LoginUrlHints = {}) => {
    const { loginHint, returnTo, baseUrl = onlyMount() } = hints
    if (loginUrl !== undefined || !interactive || baseUrl === undefined || !isOwnPath(baseUrl)) return loginUrl
    const query = new URLSearchParams({
      ...(loginHint !== undefined && { login_hint: loginHint }),
      ...(typeof returnTo === 'string' && { return_to: returnTarget(returnTo) }),
    }).toString()
    return `${baseUrl}/login${query && `?${query}`}`
  }
  return {
    /** Learns the mount path from a request. */
    seen: ({ baseUrl }: Request) => {
      const key = baseUrl.toLowerCase()
      if (mounts.size < 2 && mounts.get(key) !== baseUrl && isOwnPath(baseUrl)) mounts.set(key, baseUrl)
    },
    /** Adds `login_url` to the error if it needs one. */
    addTo: ({ code, body }: AuthError, hints?: LoginUrlHints): void => {
      if (!WITH_LOGIN_URL.includes(code) || body.login_url !== undefined) return
      if (code === 'mfa_required' && mfa === 'api' && body.mfa !== undefined) return
      const url = of(hints)
      if (url !== undefined) Object.assign(body, { login_url: url })
    },
  }
}

/** A mount path with a pattern can match anything, such as the host of another site. */
const isOwnPath = (baseUrl: string) => baseUrl === '' || returnTarget(baseUrl) === baseUrl

export type LoginUrl = ReturnType<typeof createLoginUrl>
