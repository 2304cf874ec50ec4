import { gather, type Env } from './environment.js'
import type { RopgAuthOptions } from './options.js'
import { isObject, withValue } from './plain-object.js'
import { throwIfAny, type Problem } from './problem.js'
import { ruleProblems } from './rules.js'
import type { SessionOptions } from './session-options.js'
import { shapeProblems } from './shape-problems.js'

/** Options with all required members. */
export type CompleteOptions = RopgAuthOptions & {
  domain: string
  clientId: string
  session: SessionOptions & { secret: NonNullable<SessionOptions['secret']> }
}

/** Completes the options from the environment. Throws one error that lists all problems. */
export function readOptions(written: unknown, env: Env): CompleteOptions {
  if (!isObject(written) || Array.isArray(written)) throwIfAny([NOT_AN_OBJECT])
  if (written === env) throwIfAny([ENVIRONMENT])
  const gathered = gather(written as object, env)
  const invalid = shapeProblems(gathered)
  // Invalid options are removed first, so that rules do not report them again.
  const valid = invalid.reduce((rest, { option }) => withValue(rest, option, undefined), gathered.options)
  const broken = ruleProblems(valid as RopgAuthOptions, env).filter((problem) => !isAbout(problem, invalid))
  throwIfAny([...invalid, ...broken])
  return gathered.options as unknown as CompleteOptions
}

const NOT_AN_OBJECT = {
  option: 'options',
  text: 'options must be an object: pass { domain, clientId, ... }, or nothing',
}

const ENVIRONMENT = {
  option: 'options',
  text: 'options must not be process.env: remove it, because createRopgAuth reads the environment variables itself',
}

/** Whether another problem concerns the same option or its parent. */
const isAbout = ({ option }: Problem, invalid: readonly Problem[]) =>
  invalid.some((other) => option === other.option || option.startsWith(`${other.option}.`))
