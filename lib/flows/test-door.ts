/** A login without Auth0, for tests. */
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

/** Access to an instance for the test helpers. Not public. */
export interface TestDoor {
  /** Stores a session. Resolves to its `Set-Cookie` header. */
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
