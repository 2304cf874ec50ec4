import type { AuthEvent } from '../events.js'

/** Where a request came from, as far as events tell. */
export type WhoAsks = Pick<AuthEvent, 'requestId' | 'ip'>
