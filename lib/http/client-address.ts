import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { plainAddress } from '../ip-address.js'

/** Any request; Express has resolved more of it. */
export type AnyRequest = IncomingMessage & { ip?: string | undefined; secure?: boolean }

/** The end user's address as Express resolves it (`trust proxy`), never a raw header. Undefined where there is none. */
export function clientAddress(req: AnyRequest): string | undefined {
  return plainAddress(('ip' in req ? req.ip : req.socket.remoteAddress) ?? '')
}

/** Whether the request came over HTTPS, as Express resolves it. */
export function isSecure(req: AnyRequest): boolean {
  return req.secure ?? Boolean((req.socket as Partial<TLSSocket>).encrypted)
}
