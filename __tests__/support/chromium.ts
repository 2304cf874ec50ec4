import { findOnPath } from '../../scripts/find-redis.js'

/** Undefined if there is no Chromium. Then browser tests are skipped, and in CI they fail. */
export const executablePath = findOnPath(process.env.CHROMIUM ?? 'chromium') ?? process.env.CHROMIUM

if (executablePath === undefined) {
  const missing = 'Chromium was not found: install it, or set CHROMIUM to its path.'
  if (process.env.CI) throw new Error(missing)
  // Jest does not show console output of skipped files.
  process.stderr.write(`Browser tests are skipped. ${missing}\n`)
}
