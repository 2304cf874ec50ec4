import type { IncomingHttpHeaders } from 'node:http'
import type { Answer } from './answer.js'
import type { Params } from './body.js'
import type { Middleware } from './middleware.js'
import { recordOf } from './recorder.js'
import { Refusal } from './refusal.js'
import type { RecordedRequest } from './types.js'

/** A request to one of the emulator's own endpoints. */
export interface Call {
  params: Params
  headers: IncomingHttpHeaders
  record: RecordedRequest
}

export interface Endpoint {
  methods: readonly string[]
  answer(call: Call): Answer | Promise<Answer>
}

/** Handles the emulator's own endpoints. Everything else goes to oidc-provider. */
export function serveEndpoints(endpoints: ReadonlyMap<string, Endpoint>): Middleware {
  return async (ctx, next) => {
    const endpoint = endpoints.get(ctx.path)
    if (!endpoint) {
      await next()
      return
    }
    const { status, body, headers } = await answerOf(endpoint, ctx)
    ctx.status = status
    ctx.body = body ?? ''
    ctx.set({ 'cache-control': 'no-store', pragma: 'no-cache', ...headers })
  }
}

type Context = Parameters<Middleware>[0]

async function answerOf(endpoint: Endpoint, ctx: Context): Promise<Answer> {
  if (!endpoint.methods.includes(ctx.method)) return { status: 405, body: { error: 'method_not_allowed' } }
  try {
    const { record, params } = recordOf(ctx)
    if (params instanceof Refusal) throw params
    return await endpoint.answer({ params, headers: ctx.req.headers, record })
  } catch (err) {
    return err instanceof Refusal ? err.answer : emulatorBroke(err)
  }
}

/** A bug in the emulator. Named as such so that tests do not mistake it for an Auth0 error. */
function emulatorBroke(err: unknown): Answer {
  return { status: 500, body: { error: 'server_error', error_description: `the emulator failed: ${String(err)}` } }
}
