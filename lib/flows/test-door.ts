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

/** What the test helpers need from an instance. Not for users. */
export interface TestDoor {
  /** Stores a session, as after a login; resolves to its `Set-Cookie` header. */
  stage(login: StagedLogin): Promise<string>
  defaultScope: string
  clock: () => number
}

const doors = new WeakMap<object, TestDoor>()

export function leaveTestDoor(auth: object, door: TestDoor): void {
  doors.set(auth, door)
}

export function findTestDoor(auth: object): TestDoor | undefined {
  return doors.get(auth)
}
