import type { NextFunction, Request } from 'express'
import type {
  Dictionary,
  ParamsDictionary,
  Query,
  RequestHandler,
  Response,
  RouteParameters,
} from 'express-serve-static-core'
import type { BehindAuth, IsBehindAuth, LogsIn } from './guard-types.js'
import type { RequestAuth } from './types.js'

/* eslint-disable @typescript-eslint/no-explicit-any -- Express types bodies and locals as any */
type AnyLocals = Record<string, any>

/** The request of a named handler behind `requireAuth`. */
export type AuthenticatedRequest<
  P = ParamsDictionary,
  ResBody = any,
  ReqBody = any,
  ReqQuery = Query,
  Locals extends AnyLocals = AnyLocals,
> = Request<P, ResBody, ReqBody, ReqQuery, Locals> & { auth: RequestAuth }

/** Intersects with what another package, such as express-oauth2-jwt-bearer, declares as `req.auth`. */
type Present<Req> = 'auth' extends keyof Req ? RequestAuth & Exclude<Req['auth'], undefined> : RequestAuth

/** `undefined`, unless such a package excludes it under `exactOptionalPropertyTypes`. */
type Absent<Req> = 'auth' extends keyof Req
  ? { auth: undefined } extends Pick<Req, 'auth'>
    ? undefined
    : never
  : undefined

type AuthOf<Locals> =
  IsBehindAuth<Locals> extends true ? Present<Express.Request> : Present<Express.Request> | Absent<Express.Request>

type ParamsOf<Route> = Route extends string ? RouteParameters<Route> : Dictionary<string>

/** The empty tuple makes TypeScript keep the type of each element of a list. */
type OrList<Handler> = Handler | readonly [] | readonly Handler[]

type Handlers<P, ResBody, ReqBody, ReqQuery, Locals extends AnyLocals> = OrList<
  RequestHandler<P, ResBody, ReqBody, ReqQuery, Locals>
>[]

/** `requireAuth` as first or second, alone or in a list, and what stands behind it. */
type GuardedHandlers<P, ResBody, ReqBody, ReqQuery, Locals extends AnyLocals> =
  | [guard: Guard, ...behind: Handlers<P, ResBody, ReqBody, ReqQuery, Locals & BehindAuth>]
  | [
      // Without locals, which TypeScript would infer from the guard here.
      before: OrList<RequestHandler<P, ResBody, ReqBody, ReqQuery>>,
      guard: Guard,
      ...behind: Handlers<P, ResBody, ReqBody, ReqQuery, Locals & BehindAuth>,
    ]

type Guard =
  | LogsIn
  | readonly [LogsIn, ...RequestHandler<any>[]]
  | readonly [RequestHandler<any>, LogsIn, ...RequestHandler<any>[]]

/** A handler that says itself what it takes `req.auth` for: `AuthenticatedRequest`, or the request of express-jwt. */
type AnnotatedHandler<P, ResBody, ReqBody, ReqQuery, Locals extends AnyLocals> = (
  req: Request<P, ResBody, ReqBody, ReqQuery, Locals> & { auth: any },
  res: Response<ResBody, Locals>,
  next: NextFunction,
) => unknown

declare module 'express-serve-static-core' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the declaration of Express, to the letter
  interface Request<P, ResBody, ReqBody, ReqQuery, LocalsObj extends Record<string, any>> {
    /** The logged-in user. Always set behind `requireAuth` of express-auth0-ropg. */
    auth: AuthOf<LocalsObj>
  }

  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the same
  interface IRouterMatcher<T, Method> {
    /** Infers from the mark of `requireAuth`, wherever it stands. */
    <
      Route extends string | RegExp,
      P = ParamsOf<Route>,
      ResBody = any,
      ReqBody = any,
      ReqQuery = Query,
      Locals extends Record<string, any> = Record<string, any>,
    >(
      path: Route,
      ...handlers: Handlers<P, ResBody, ReqBody, ReqQuery, Locals>
    ): T
    /** Explicit type arguments rule out inference. */
    <
      P = ParamsDictionary,
      ResBody = any,
      ReqBody = any,
      ReqQuery = Query,
      Locals extends Record<string, any> = Record<string, any>,
    >(
      path: PathParams,
      ...handlers: GuardedHandlers<P, ResBody, ReqBody, ReqQuery, Locals>
    ): T
    <
      P = ParamsDictionary,
      ResBody = any,
      ReqBody = any,
      ReqQuery = Query,
      Locals extends Record<string, any> = Record<string, any>,
    >(
      path: PathParams,
      ...handlers: Handlers<P, ResBody, ReqBody, ReqQuery, Locals>
    ): T
    <
      P = ParamsDictionary,
      ResBody = any,
      ReqBody = any,
      ReqQuery = Query,
      Locals extends Record<string, any> = Record<string, any>,
    >(
      path: PathParams,
      ...handlers: OrList<AnnotatedHandler<P, ResBody, ReqBody, ReqQuery, Locals>>[]
    ): T
  }

  interface IRouterHandler<T, Route> {
    <
      P = RouteParameters<Route>,
      ResBody = any,
      ReqBody = any,
      ReqQuery = Query,
      Locals extends Record<string, any> = Record<string, any>,
    >(
      ...handlers: GuardedHandlers<P, ResBody, ReqBody, ReqQuery, Locals>
    ): T
    <
      P = RouteParameters<Route>,
      ResBody = any,
      ReqBody = any,
      ReqQuery = Query,
      Locals extends Record<string, any> = Record<string, any>,
    >(
      ...handlers: Handlers<P, ResBody, ReqBody, ReqQuery, Locals>
    ): T
    <
      P = RouteParameters<Route>,
      ResBody = any,
      ReqBody = any,
      ReqQuery = Query,
      Locals extends Record<string, any> = Record<string, any>,
    >(
      ...handlers: OrList<AnnotatedHandler<P, ResBody, ReqBody, ReqQuery, Locals>>[]
    ): T
  }
}
