import type { Request } from 'express'
import { plainAddress } from '../ip-address.js'

/** The end user's address as Express resolves it (`trust proxy`), never a raw header. Undefined where there is none. */
export function clientAddress({ ip }: Pick<Request, 'ip'>): string | undefined {
  return plainAddress(ip ?? '')
}
