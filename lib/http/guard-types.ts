import type { IncomingMessage, ServerResponse } from 'node:http'
import type { NextFunction, Response } from 'express'
import type { UserClaims } from '../options/claims.js'

declare const behindAuth: unique symbol
declare const needsAuth: unique symbol

/** Response locals behind `requireAuth`. Express infers handler types from it; the mark does not exist at run time. */
export interface BehindAuth {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Express types locals this way
  [local: string]: any
  [behindAuth]?: true
}

/** True for locals that carry the mark of `requireAuth`. */
export type IsBehindAuth<Locals> = typeof behindAuth extends keyof Locals ? true : false

/** Tells `requireAuth` apart from any other middleware, for the compiler only. */
export interface LogsIn {
  readonly [behindAuth]: true
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- connect types errors as any, and `next` is called with one
type Next = (err?: any) => void

/** Middleware for Express and for anything else that takes connect middleware, such as socket.io's `engine.use`. */
export type AuthMiddleware = (req: IncomingMessage, res: ServerResponse, next: Next) => void

/** Middleware that sets `req.auth` or answers 401. */
export interface RequireAuth extends LogsIn {
  (req: IncomingMessage, res: ServerResponse, next: Next): void
  // Last, because TypeScript infers from the last overload.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any body
  (req: IncomingMessage, res: Response<any, BehindAuth>, next: NextFunction): void
}

/** Middleware that sets `req.auth` if there is a login, and never answers 401. */
export type OptionalAuth = AuthMiddleware

/** Middleware that belongs behind `requireAuth`. The mark keeps the two apart in the type of a list. */
export type GuardBehindAuth = AuthMiddleware & { readonly [needsAuth]: true }

/** Middleware behind `requireAuth`: 403 `insufficient_scope` unless the login was granted all of the scopes. */
export type RequireScope = (...scopes: (string | readonly string[])[]) => GuardBehindAuth

/** What `requireClaim` compares a claim with: a value, a list of values (any of them), or a function. */
export type ExpectedClaim<Value = unknown> =
  | string
  | number
  | boolean
  | null
  | readonly (string | number | boolean | null)[]
  | ((value: Value, user: UserClaims) => boolean)

/** Middleware behind `requireAuth`: 403 `forbidden` unless the claim of `req.auth.user` is as expected. */
export type RequireClaim = <Name extends keyof UserClaims>(
  name: Name,
  expected: ExpectedClaim<UserClaims[Name]>,
) => GuardBehindAuth

/** Middleware behind `requireAuth`: 403 `forbidden` unless the access token has all of the permissions (Auth0 RBAC). */
export type RequirePermission = (...permissions: (string | readonly string[])[]) => GuardBehindAuth

/** Middleware behind `requireAuth`: 401 `reauthentication_required` unless the login is at most `maxAge` seconds old. */
export type RequireRecentLogin = (options: { maxAge: number }) => GuardBehindAuth
