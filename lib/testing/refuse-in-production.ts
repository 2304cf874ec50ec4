/** Test doubles must never stand in front of real users. */
export function refuseInProduction(what: string): void {
  if (process.env.NODE_ENV === 'production') throw new Error(`${what} is for tests and refuses to run in production`)
}
