import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { BehindAuth, IsBehindAuth, LogsIn } from './guard-types.js'
import type { RequestAuth } from './types.js'

/* eslint-disable @typescript-eslint/no-explicit-any -- Express types bodies and locals as any */
type AnyLocals = Record<string, any>

/** Request type for named handlers behind `requireAuth`. */
export type AuthenticatedRequest<
  P = Request['params'],
  ResBody = any,
  ReqBody = any,
  ReqQuery = Request['query'],
  Locals extends AnyLocals = AnyLocals,
> = Request<P, ResBody, ReqBody, ReqQuery, Locals> & LoggedIn

/** Intersects with the `req.auth` type of other packages, such as express-oauth2-jwt-bearer. */
type AuthBeside<Req> = 'auth' extends keyof Req ? RequestAuth & Exclude<Req['auth'], undefined> : RequestAuth

/** The empty tuple makes TypeScript keep the type of each element of a list. */
type OrList<Item> = Item | readonly [] | readonly Item[]

/** An Express handler in which `req.auth` is set if the locals are marked by `requireAuth`. */
type Handler<P, ResBody, ReqBody, ReqQuery, Locals extends AnyLocals> = (
  req: Request<P, ResBody, ReqBody, ReqQuery, Locals> & (IsBehindAuth<Locals> extends true ? LoggedIn : unknown),
  res: Response<ResBody, Locals>,
  next: NextFunction,
) => unknown

interface LoggedIn {
  auth: RequestAuth
}

type Handlers<P, ResBody, ReqBody, ReqQuery, Locals extends AnyLocals> = OrList<
  Handler<P, ResBody, ReqBody, ReqQuery, Locals>
>[]

/** `requireAuth` in first or second place, alone or in a list, and the handlers behind it. */
type GuardedHandlers<P, ResBody, ReqBody, ReqQuery, Locals extends AnyLocals> =
  | [guard: Guard, ...behind: Handlers<P, ResBody, ReqBody, ReqQuery, Locals & BehindAuth>]
  | [
      // Without locals, because TypeScript would infer them from the guard.
      before: OrList<RequestHandler<P, ResBody, ReqBody, ReqQuery>>,
      guard: Guard,
      ...behind: Handlers<P, ResBody, ReqBody, ReqQuery, Locals & BehindAuth>,
    ]

type Guard =
  | LogsIn
  | readonly [LogsIn, ...RequestHandler<any>[]]
  | readonly [RequestHandler<any>, LogsIn, ...RequestHandler<any>[]]

/** A handler that annotates `req.auth` itself, such as with `AuthenticatedRequest` or the type of express-jwt. */
type AnnotatedHandler<P, ResBody, ReqBody, ReqQuery, Locals extends AnyLocals> = (
  req: Request<P, ResBody, ReqBody, ReqQuery, Locals> & { auth: any },
  res: Response<ResBody, Locals>,
  next: NextFunction,
) => unknown

declare module 'express-serve-static-core' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- must match the declaration of Express
  interface Request<P, ResBody, ReqBody, ReqQuery, LocalsObj extends Record<string, any>> {
    /** The logged-in user. Always set behind `requireAuth` of express-auth0-ropg. */
    auth?: AuthBeside<Express.Request>
  }

  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- as above
  interface IRouterMatcher<T, Method> {
    // Infers the locals from `requireAuth` in any position.
    <
      Route extends string | RegExp,
      P = Route extends string ? RouteParameters<Route> : Dictionary<string>,
      ResBody = any,
      ReqBody = any,
      ReqQuery = Query,
      Locals extends Record<string, any> = Record<string, any>,
    >(
      path: Route,
      ...handlers: Handlers<P, ResBody, ReqBody, ReqQuery, Locals>
    ): T
    // Explicit type arguments disable inference, so the guard is recognized by its type.
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
