import { ConfigurationError } from '../errors.js'

/** What is wrong with one option. */
export interface Problem {
  /** Path of the option, such as `session.secret`. */
  option: string
  /** A full sentence that names the option and the remedy, never a value. */
  text: string
}

/** Throws one error that lists all problems. */
export function throwIfAny(problems: readonly Problem[]): void {
  const [first, ...others] = problems
  if (!first) return
  if (others.length === 0) throw new ConfigurationError(first.text)
  const list = problems.map(({ text }) => `\n  - ${text}`).join('')
  throw new ConfigurationError(`${problems.length} options are missing or invalid:${list}`)
}
