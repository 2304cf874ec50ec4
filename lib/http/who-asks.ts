import { randomUUID } from 'node:crypto'
import type { WhoAsks } from '../flows/who-asks.js'
import { clientAddress, type AnyRequest } from './client-address.js'

/** The request id (from pino-http or `X-Request-Id`, or else a new one) and the client address, for events. */
export function whoAsks(req: AnyRequest): WhoAsks {
  const ip = clientAddress(req)
  return { requestId: requestId(req), ...(ip !== undefined && { ip }) }
}

function requestId(req: AnyRequest & { id?: unknown }): string {
  const given = [req.id, req.headers['x-request-id']]
    .map(String)
    .find((id) => /^[\w.:-]{1,128}$/.test(id) && id !== 'undefined')
  return given ?? randomUUID()
}
