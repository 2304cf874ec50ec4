import type { IncomingMessage, ServerResponse } from 'node:http'
import type { NextFunction, Response } from 'express'
import type { UserClaims } from '../options/claims.js'

declare const behindAuth: unique symbol
declare const needsAuth: unique symbol

/** Response locals behind `requireAuth`, from which Express infers handler types. The mark exists only in types. */
export interface BehindAuth {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Express types locals this way
  [local: string]: any
  [behindAuth]?: true
}

/** Whether locals are marked by `requireAuth`. */
export type IsBehindAuth<Locals> = typeof behindAuth extends keyof Locals ? true : false

/** Distinguishes `requireAuth` from other middleware, in types only. */
export interface LogsIn {
  readonly [behindAuth]: true
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- connect types errors as any, and `next` is called with one
type Next = (err?: any) => void

/** Middleware for Express or anything that accepts connect middleware, such as socket.io's `engine.use`. */
export type AuthMiddleware = (req: IncomingMessage, res: ServerResponse, next: Next) => void

/** Middleware that sets `req.auth` or responds with 401. */
export interface RequireAuth extends LogsIn {
  (req: IncomingMessage, res: ServerResponse, next: Next): void
  // Last, because TypeScript infers from the last overload.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any body
  (req: IncomingMessage, res: Response<any, BehindAuth>, next: NextFunction): void
}

/** Middleware that sets `req.auth` if the user is logged in. Never responds with 401. */
export type OptionalAuth = AuthMiddleware

/** Middleware to use after `requireAuth`. The mark distinguishes the two in the type of a list. */
export type GuardBehindAuth = AuthMiddleware & { readonly [needsAuth]: true }

/** Middleware behind `requireAuth`: 403 `insufficient_scope` unless the login was granted all scopes. */
export type RequireScope = (...scopes: (string | readonly string[])[]) => GuardBehindAuth

/** Expected value of a claim: a value, a list of accepted values, or a function. */
export type ExpectedClaim<Value = unknown> =
  | string
  | number
  | boolean
  | null
  | readonly (string | number | boolean | null)[]
  | ((value: Value, user: UserClaims) => boolean)

/** Middleware behind `requireAuth`: 403 `forbidden` unless the claim in `req.auth.user` has the expected value. */
export type RequireClaim = <Name extends keyof UserClaims>(
  name: Name,
  expected: ExpectedClaim<UserClaims[Name]>,
) => GuardBehindAuth

/** Middleware behind `requireAuth`: 403 `forbidden` unless the access token has all permissions (Auth0 RBAC). */
export type RequirePermission = (...permissions: (string | readonly string[])[]) => GuardBehindAuth

/** Middleware behind `requireAuth`: 401 `reauthentication_required` unless the login is at most `maxAge` seconds old. */
export type RequireRecentLogin = (options: { maxAge: number }) => GuardBehindAuth
