/** Login through Auth0's own page (authorization code with PKCE). */
export interface InteractiveOptions {
  /**
   * The app's origin as browsers see it, such as `https://app.example.com`. The callback URL to allow in the Auth0
   * Dashboard consists of this origin, the path where the router is mounted, and `/callback`. Required.
   */
  baseUrl: string
  /** `logout_url` also logs out of the identity provider that Auth0 used. Default: `false`. */
  federated?: boolean | undefined
}

/** Paths of the app's own pages. */
export interface PagesOptions {
  /** Page with the login form. It receives `error` (a code) and `return_to` as query parameters. Required. */
  login: string
  /** Page after a login without `return_to`. Default: `/`. */
  afterLogin?: string | undefined
  /** Page after a logout. Default: `/`. */
  afterLogout?: string | undefined
}

export interface Interactive {
  readonly origin: string
  readonly federated: boolean
}

export function interactiveOf(written: InteractiveOptions | false = false): Interactive | undefined {
  return written
    ? Object.freeze({ origin: new URL(written.baseUrl).origin, federated: written.federated ?? false })
    : undefined
}

export function pagesOf(written: PagesOptions | false = false) {
  if (!written) return undefined
  const { login, afterLogin = '/', afterLogout = '/' } = written
  return Object.freeze({ login, afterLogin, afterLogout })
}
