import type { IncomingHttpHeaders } from 'node:http'
import { EnvHttpProxyAgent, type Dispatcher } from 'undici'

/** What speaks HTTP to Auth0, in the form of `fetch`. */
export interface HttpClient {
  fetch: typeof fetch
  /** Closes the connections that are kept alive. */
  close(): Promise<void>
}

/** Connections at once; further requests wait for their turn. */
const MOST_CONNECTIONS = 64
/** Milliseconds; what rests for a minute is commonly dropped on the way. */
const KEEP_ALIVE = 30_000
/** Bytes. Discovery, keys and tokens are a few KB. */
const LARGEST_ANSWER = 1_048_576

/**
 * undici's own request, of which the global `fetch` is a costly wrapper. Keeps connections alive and bounded, goes through
 * HTTP_PROXY, HTTPS_PROXY and NO_PROXY, trusts NODE_EXTRA_CA_CERTS as all of Node does, and follows no redirect.
 */
export function createHttpClient(): HttpClient {
  const { no_proxy, NO_PROXY } = process.env
  const agent = new EnvHttpProxyAgent({
    // Else it would look into the environment for every request.
    noProxy: no_proxy ?? NO_PROXY ?? '',
    connections: MOST_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE,
    maxResponseSize: LARGEST_ANSWER,
  })
  return {
    fetch: (input, init = {}) => {
      const { origin, pathname, search } = new URL(input instanceof Request ? input.url : input)
      const request: Dispatcher.DispatchOptions = {
        origin,
        path: pathname + search,
        method: init.method === 'POST' ? 'POST' : 'GET',
        headers: headersOf(init),
        body: init.body instanceof URLSearchParams ? init.body.toString() : ((init.body ?? null) as string | null),
      }
      return gather(agent, request, init.signal ?? undefined)
    },
    close: () => agent.close(),
  }
}

/** The whole answer. Without the streams of undici's own `request`, which pay only where a body is large. */
function gather(agent: Dispatcher, request: Dispatcher.DispatchOptions, signal?: AbortSignal): Promise<Response> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let head: ResponseInit
    let running: Dispatcher.DispatchController | undefined
    const giveUp = () => {
      const reason = signal?.reason as Error
      reject(reason)
      running?.abort(reason)
    }
    agent.dispatch(request, {
      onRequestStart: (controller) => {
        running = controller
        if (signal?.aborted) giveUp()
      },
      onResponseStart: (_controller, status, headers) => {
        head = { status, headers: headersIn(headers) }
      },
      onResponseData: (_controller, chunk) => {
        chunks.push(chunk)
      },
      onResponseEnd: () => {
        resolve(new Answer(Buffer.concat(chunks).toString(), head))
      },
      onResponseError: (_controller, err) => {
        reject(err)
      },
    })
    if (signal?.aborted) giveUp()
    signal?.addEventListener('abort', giveUp, { once: true })
  })
}

/** A `Response` whose body is there already: reading it through a stream costs more than the rest of the answer. */
class Answer extends Response {
  override readonly text: () => Promise<string>
  override readonly json: () => Promise<unknown>

  constructor(text: string, init: ResponseInit) {
    super(null, init)
    this.text = () => Promise.resolve(text)
    this.json = async () => Promise.resolve(JSON.parse(text) as unknown)
  }
}

function headersOf({ headers, body }: RequestInit): Record<string, string> {
  const form = body instanceof URLSearchParams && { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }
  // jose gives its own as Headers.
  return {
    ...form,
    ...(headers instanceof Headers ? Object.fromEntries(headers) : (headers as Record<string, string>)),
  }
}

function headersIn(headers: IncomingHttpHeaders): Headers {
  const copy = new Headers()
  for (const [name, value = []] of Object.entries(headers)) {
    for (const one of typeof value === 'string' ? [value] : value) copy.append(name, one)
  }
  return copy
}
