import type { IncomingHttpHeaders } from 'node:http'
import { EnvHttpProxyAgent, Pool, request } from 'undici'
import { endsWithin } from '../deadline.js'
import { proxiesOf } from './proxies.js'

/** The part of the global `fetch` that openid-client and jose use. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

export interface HttpClient {
  fetch: Fetch
  /** Closes all connections, after giving pending requests a moment to finish. */
  close(): Promise<void>
}

/** Additional requests wait for a free connection. */
const MAX_CONNECTIONS = 96
/** Milliseconds. Firewalls and load balancers often drop connections that have been idle for a minute. */
const KEEP_ALIVE = 30_000
/** Milliseconds that `close` waits for pending requests. */
const CLOSE_WITHIN = 500
/** Bytes. Discovery documents, keys and tokens are a few KB. */
const MAX_RESPONSE_SIZE = 1_048_576

/**
 * Keeps connections alive, uses the proxies from the environment, and does not follow redirects.
 *
 * @param connectTimeout Milliseconds after which a connection attempt is aborted.
 * @throws ConfigurationError if a proxy in the environment is not a URL.
 */
export function createHttpClient(connectTimeout: number): HttpClient {
  const dispatcher = new EnvHttpProxyAgent({
    ...proxiesOf(process.env),
    connections: MAX_CONNECTIONS,
    connectTimeout,
    // By default undici waits five minutes for a proxy that does not answer.
    clientFactory: (proxy, options) => new Pool(proxy, { ...options, headersTimeout: connectTimeout }),
    keepAliveTimeout: KEEP_ALIVE,
    maxResponseSize: MAX_RESPONSE_SIZE,
  })
  const send: Fetch = async (url, { method, body, headers, signal = null } = {}) => {
    signal?.throwIfAborted()
    const answer = await request(url, {
      dispatcher,
      method: method === 'POST' ? 'POST' : 'GET',
      headers: headersToSend(headers, body),
      body: body instanceof URLSearchParams ? body.toString() : ((body ?? null) as string | null),
      signal,
    })
    const text = await answer.body.text()
    // null, because Response rejects even an empty body for a status such as 204.
    return new Response(text || null, { status: answer.statusCode, headers: receivedHeaders(answer.headers) })
  }
  const underWay = new Set<Promise<unknown>>()
  return {
    fetch: (url, init) => {
      const answer = unlessAborted(send(url, init), init?.signal)
      underWay.add(answer)
      const done = () => underWay.delete(answer)
      answer.then(done, done)
      return answer
    },
    close: async () => {
      // Not undici's close(), which waits for requests without a limit.
      await endsWithin(CLOSE_WITHIN, Promise.allSettled(underWay))
      await dispatcher.destroy()
    },
  }
}

function headersToSend(headers: RequestInit['headers'], body: RequestInit['body']): Record<string, string> {
  const form = body instanceof URLSearchParams && { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }
  // jose passes Headers, openid-client an object.
  const given =
    headers instanceof Headers ? Object.fromEntries(headers) : (headers as Record<string, string> | undefined)
  return { ...form, ...given }
}

function receivedHeaders(headers: IncomingHttpHeaders): [name: string, value: string][] {
  return Object.entries(headers).flatMap(([name, values = []]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  )
}

/** Rejects as soon as the signal is aborted. undici would wait until the request has a connection. */
function unlessAborted<T>(running: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return running
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    void running.then(resolve, reject).then(() => signal.removeEventListener('abort', abort))
  })
}
