import type { Env } from '../options/environment.js'

/** Environment and output of a command. */
export interface Terminal {
  env: Env
  folder: string
  isTty: boolean
  out: (text: string) => void
  err: (text: string) => void
  /** Resolves when the user stops the command. */
  stopped: () => Promise<void>
}

/** Incorrect usage: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** https://no-color.org */
export function isColored({ env, isTty }: Terminal): boolean {
  return isTty && !env.NO_COLOR
}
