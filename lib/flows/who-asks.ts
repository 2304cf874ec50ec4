import type { AuthEvent } from '../events.js'

/** Request id and client address, for events. */
export type WhoAsks = Pick<AuthEvent, 'requestId' | 'ip'>
