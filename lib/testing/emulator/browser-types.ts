/** Tenant settings for browser logins and logouts. */
export interface BrowserSettings {
  /**
   * Allowed Callback URLs, compared exactly. An entry such as `http://localhost:*` allows every port and path of that
   * host, which Auth0 itself does not offer. Default `http://127.0.0.1:*` and `http://localhost:*`.
   */
  callbacks: string[]
  /** Allowed Logout URLs of tenant and application, in the format of `callbacks`. Default: the same two entries. */
  logoutUrls: string[]
  /** RP-initiated logout: `/oidc/logout`, and `end_session_endpoint` in the discovery document. Default true. */
  rpLogout: boolean
  /**
   * Whether `/oidc/logout` asks the user to confirm if neither `id_token_hint` nor `logout_hint` matches the browser's
   * session, as Auth0 does. Default true.
   */
  logoutPrompt: boolean
  /** URL to send a logout token to when a session ends at `/oidc/logout`, before the redirect. Default none. */
  backchannelLogoutUrl?: string | undefined
}

/** Changes to a logout token. Other members replace claims; undefined removes them. `sub` and `sid` have no default. */
export interface LogoutTokenChanges {
  sub?: string | undefined
  sid?: string | undefined
  /**
   * Replaces members of the JOSE header, and undefined removes them. `alg: 'none'` leaves the token unsigned, and HS256
   * signs it with the client secret.
   */
  header?: Record<string, unknown>
  /** `foreign` signs with a key of another tenant but with this tenant's `kid`. Default `tenant`. */
  key?: 'tenant' | 'foreign'
  [claim: string]: unknown
}
