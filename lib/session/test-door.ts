import type { IncomingMessage, ServerResponse } from 'node:http'

/** A login that did not come from Auth0. */
export interface StagedLogin {
  sub: string
  user: Record<string, unknown>
  scope: string
  remember: boolean
  refreshToken: string | undefined
  accessToken: string
  /** Epoch seconds. */
  expiresAt: number
}

/** What the test helpers need of an instance, and no user should see. */
export interface TestDoor {
  /** Stores a session for the request, as after a login. */
  stage(req: IncomingMessage, res: ServerResponse, login: StagedLogin): Promise<void>
  defaultScope: string
  /** Path that the cookie is for. */
  cookiePath: string
  clock: () => number
}

const doors = new WeakMap<object, TestDoor>()

export function leaveTestDoor(auth: object, door: TestDoor): void {
  doors.set(auth, door)
}

export function findTestDoor(auth: object): TestDoor | undefined {
  return doors.get(auth)
}
