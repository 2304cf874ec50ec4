/** Settings of the tenant for logins in the browser and for logouts. */
export interface BrowserSettings {
  /**
   * Allowed Callback URLs, compared exactly. An entry such as `http://localhost:*` allows every port and path of that
   * host, which Auth0 itself does not offer. Default `http://127.0.0.1:*` and `http://localhost:*`.
   */
  callbacks: string[]
  /** Allowed Logout URLs of tenant and application alike, written as `callbacks`. Default: the same two entries. */
  logoutUrls: string[]
  /** RP-initiated logout: `/oidc/logout`, and `end_session_endpoint` in the discovery document. Default true. */
  rpLogout: boolean
  /**
   * Whether `/oidc/logout` asks the user first when neither `id_token_hint` nor `logout_hint` names the browser's
   * session, as Auth0 does. Default true.
   */
  logoutPrompt: boolean
  /**
   * Where the logout token of a session that ends at `/oidc/logout` is posted before the browser is answered. Default
   * none.
   */
  backchannelLogoutUrl?: string | undefined
}

/**
 * What a logout token says. Other members are claims that replace the usual ones; undefined takes a claim away. Without
 * `sub` and `sid` it has neither.
 */
export interface LogoutTokenChanges {
  sub?: string | undefined
  sid?: string | undefined
  /**
   * Members that replace those of the JOSE header; undefined takes one away. `alg: 'none'` leaves the token unsigned,
   * and HS256 signs it with the client secret.
   */
  header?: Record<string, unknown>
  /** `foreign` signs with a key that is not the tenant's, under the `kid` of the tenant's. Default `tenant`. */
  key?: 'tenant' | 'foreign'
  [claim: string]: unknown
}
