import type { AccessToken, Wanted } from '../flows/token-choice.js'

declare const behindAuth: unique symbol

/** Marks a request that has passed `requireAuth`; never there at run time. */
export interface BehindAuth {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Express types locals so
  [local: string]: any
  [behindAuth]?: true
}

/** The logged-in user of a request. */
export interface RequestAuth {
  /** Profile claims of the ID token, `sub` among them. */
  readonly user: Readonly<Record<string, unknown>> & { readonly sub: string }
  readonly sub: string
  readonly authenticatedAt: Date
  /** Public handle of the session. Not the id in the cookie: it may be shown and logged. */
  readonly sessionId: string
  /** What `onLogin` returned; empty where it returned nothing. */
  readonly data: Readonly<Record<string, unknown>>
  /** An access token that lives for at least 30 more seconds. Rejects with an `AuthError`. */
  getAccessToken(wanted?: Wanted): Promise<AccessToken>
  /** Ends this session, as `POST /logout` does. */
  logout(): Promise<void>
}

declare module 'express-serve-static-core' {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any, @typescript-eslint/no-unused-vars -- the declaration of Express, to the letter
  interface Request<P, ResBody, ReqBody, ReqQuery, LocalsObj extends Record<string, any>> {
    /** Who is logged in; surely there behind `requireAuth` of express-auth0-ropg. */
    auth: typeof behindAuth extends keyof LocalsObj ? RequestAuth : RequestAuth | undefined
  }
}
