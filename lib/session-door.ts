import type { NewLogin, Sessions } from './session/sessions.js'

/** What the test helpers need of an instance, and no user should see. */
export interface SessionDoor {
  sessions: Pick<Sessions, 'middleware' | 'establish'>
  defaults: Pick<NewLogin, 'scope'> & { audience: string | undefined; clock: () => number }
}

const doors = new WeakMap<object, SessionDoor>()

export function leaveSessionDoor<T extends object>(auth: T, door: SessionDoor): T {
  doors.set(auth, door)
  return auth
}

export function findSessionDoor(auth: object): SessionDoor | undefined {
  return doors.get(auth)
}
