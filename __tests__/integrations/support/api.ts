import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Auth0Emulator } from '../../../lib/testing/index.ts'

/** The parts of a request that the API echoes. */
export interface Echo {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface Api {
  url: string
  audience: string
  /** Requests with a valid access token so far. */
  echoes: Echo[]
  close(): Promise<void>
}

/** An API of the tenant. It answers 401 without a valid access token and otherwise echoes the request. */
export async function startApi(emulator: Auth0Emulator): Promise<Api> {
  const { audience } = emulator.tenant.apis[0]!
  const keys = createRemoteJWKSet(new URL(`${emulator.issuer}.well-known/jwks.json`))
  const echoes: Echo[] = []
  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? ''
    const { payload } = await jwtVerify(token, keys, { issuer: emulator.issuer, audience })
    let body = ''
    for await (const chunk of req.setEncoding('utf8')) body += String(chunk)
    const echo = { method: req.method ?? '', path: req.url ?? '', headers: req.headers, body }
    echoes.push(echo)
    res.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'auth=planted; Path=/' })
    res.end(JSON.stringify({ sub: payload.sub, ...echo }))
  }
  const server = createServer((req, res) => {
    serve(req, res).catch((err: unknown) => res.writeHead(401).end(String(err)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ audience, echoes },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
