/** Test doubles must never run in production. */
export function refuseInProduction(what: string): void {
  if (process.env.NODE_ENV === 'production') throw new Error(`${what} is for tests and refuses to run in production`)
}
