import type { Request } from 'express'
import type { AuthError } from '../errors.js'
import type { Config } from '../options/options.js'
import { returnTarget } from './return-to.js'

/** Errors that continue on Auth0's page. */
export interface LoginUrlHints {
  loginHint?: string | undefined
  returnTo?: unknown
  /** Where the router of this request is mounted. Default: where it was seen last. */
  baseUrl?: string
}

/** Errors with another way to log in. */
const WITH_LOGIN_URL: readonly string[] = ['mfa_required', 'interaction_required', 'login_transaction_missing']

/** `login_url` of error bodies: the option, else the route of the interactive login, where that is on. */
export function createLoginUrl({ loginUrl, interactive, mfa }: Pick<Config, 'loginUrl' | 'interactive' | 'mfa'>) {
  let mountedAt: string | undefined
  const of = (hints: LoginUrlHints = {}) => {
    const { loginHint, returnTo, baseUrl = mountedAt } = hints
    if (loginUrl !== undefined || !interactive || baseUrl === undefined) return loginUrl
    const query = new URLSearchParams({
      ...(loginHint !== undefined && { login_hint: loginHint }),
      ...(typeof returnTo === 'string' && { return_to: returnTarget(returnTo) }),
    }).toString()
    return `${baseUrl}/login${query && `?${query}`}`
  }
  return {
    /** Routers learn where they are mounted from their requests. */
    seen: ({ baseUrl }: Request) => {
      mountedAt = baseUrl
    },
    /** Adds what the error is missing. */
    addTo: ({ code, body }: AuthError, hints?: LoginUrlHints): void => {
      if (!WITH_LOGIN_URL.includes(code) || body.login_url !== undefined) return
      if (code === 'mfa_required' && mfa === 'api' && body.mfa !== undefined) return
      const url = of(hints)
      if (url !== undefined) Object.assign(body, { login_url: url })
    },
  }
}

export type LoginUrl = ReturnType<typeof createLoginUrl>
