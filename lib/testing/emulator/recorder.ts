import { readBody, textParam, type Params } from './body.js'
import type { Middleware } from './middleware.js'
import { Refusal } from './refusal.js'
import type { EmulatorClock, RecordedRequest } from './types.js'

const NEVER_RECORDED = [
  ...['password', 'new_password', 'mfa_token', 'otp', 'oob_code', 'binding_code', 'recovery_code'],
  ...['code', 'code_verifier', 'id_token_hint'],
]

type Context = Parameters<Middleware>[0]

interface Arrival {
  record: RecordedRequest
  params: Params | Refusal
}

const arrivals = new WeakMap<object, Arrival>()

interface RecorderParts {
  requests: RecordedRequest[]
  clock: EmulatorClock
  /** Endpoints whose bodies are read here. oidc-provider reads the others. */
  readsBodyOf: (path: string) => boolean
}

/** Records every request as it arrives. */
export function recordRequests({ requests, clock, readsBodyOf }: RecorderParts): Middleware {
  return async (ctx, next) => {
    const params = readsBodyOf(ctx.path) && ctx.method !== 'GET' ? await readBody(ctx.req) : { ...ctx.query }
    const record = toRecord(ctx, params, clock.now())
    arrivals.set(ctx, { record, params })
    requests.push(record)
    await next()
  }
}

/** The record of the current request. */
export function recordOf(ctx: Context): Arrival {
  const arrival = arrivals.get(ctx)
  if (!arrival) throw new Error('the request was not recorded')
  return arrival
}

function toRecord(ctx: Context, params: Params | Refusal, at: number): RecordedRequest {
  const known = params instanceof Refusal ? {} : params
  const grantType = textParam(known, 'grant_type')
  return {
    method: ctx.method,
    path: ctx.path,
    ...(grantType === undefined ? {} : { grantType }),
    params: Object.fromEntries(Object.entries(known).filter(([name]) => !NEVER_RECORDED.includes(name))),
    headers: { ...ctx.req.headers },
    clientIp: (ctx.req.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    at,
  }
}
