import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { plainAddress } from '../ip-address.js'

/** Any Node request. Express adds `ip` and `secure`. */
export type AnyRequest = IncomingMessage & { ip?: string | undefined; secure?: boolean }

/** The client address as Express resolves it (`trust proxy`), never a raw header. Undefined if there is none. */
export function clientAddress(req: AnyRequest): string | undefined {
  return plainAddress(('ip' in req ? req.ip : req.socket.remoteAddress) ?? '')
}

/** Whether the request came over HTTPS, as Express resolves it. */
export function isSecure(req: AnyRequest): boolean {
  return req.secure ?? Boolean((req.socket as Partial<TLSSocket>).encrypted)
}
