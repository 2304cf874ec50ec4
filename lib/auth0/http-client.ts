import { EnvHttpProxyAgent } from 'undici'

/** What speaks HTTP to Auth0, in the form of `fetch`. */
export interface HttpClient {
  fetch: typeof fetch
  /** Closes connections that rest. */
  close(): Promise<void>
}

/** Connections at once to one host; more requests wait for their turn. */
const MOST_CONNECTIONS = 64
/** Milliseconds; proxies and load balancers commonly drop what rests for a minute. */
const KEEP_ALIVE = 30_000
/** Bytes. Discovery, keys and tokens are a few KB. */
const LARGEST_ANSWER = 1_048_576

/**
 * undici's own request, which costs half of what the global `fetch` on top of it does. Keeps connections alive, goes
 * through HTTP_PROXY, HTTPS_PROXY and NO_PROXY, and trusts NODE_EXTRA_CA_CERTS as all of Node does. Follows no redirects.
 */
export function createHttpClient(): HttpClient {
  const agent = new EnvHttpProxyAgent({
    connections: MOST_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE,
    maxResponseSize: LARGEST_ANSWER,
  })
  return {
    fetch: async (input, init = {}) => {
      const { origin, pathname, search } = new URL(input instanceof Request ? input.url : input)
      const { statusCode, headers, body } = await agent.request({
        origin,
        path: pathname + search,
        method: init.method === 'POST' ? 'POST' : 'GET',
        headers: Object.fromEntries(new Headers(init.headers)),
        body: bodyOf(init.body),
        signal: init.signal ?? null,
      })
      return answerOf(statusCode, headers, await body.text())
    },
    close: () => agent.close(),
  }
}
