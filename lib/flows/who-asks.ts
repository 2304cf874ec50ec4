import type { AuthEvent } from '../events.js'

/** Where a request came from, for events. */
export type WhoAsks = Pick<AuthEvent, 'requestId' | 'ip'>
