import { gather, type Env } from './environment.js'
import type { RopgAuthOptions, SessionOptions } from './options.js'
import { isObject, withValue } from './plain-object.js'
import { throwIfAny, type Problem } from './problem.js'
import { ruleProblems } from './rules.js'
import { shapeProblems } from './shape-problems.js'

/** Options that have everything that is required. */
export type CompleteOptions = RopgAuthOptions & {
  domain: string
  clientId: string
  session: SessionOptions & { secret: NonNullable<SessionOptions['secret']> }
}

/** What the caller wrote and what the environment fills in. Throws one error that lists all problems of both. */
export function readOptions(written: unknown, env: Env): CompleteOptions {
  if (!isObject(written) || Array.isArray(written)) throwIfAny([NOT_AN_OBJECT])
  if (written === env) throwIfAny([ENVIRONMENT])
  const gathered = gather(written as object, env)
  const invalid = shapeProblems(gathered)
  // Rules look at valid options only, and a rule about an invalid one would repeat that it is.
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

/** True if one of the others is about the same option, or one that holds it. */
const isAbout = ({ option }: Problem, invalid: readonly Problem[]) =>
  invalid.some((other) => option === other.option || option.startsWith(`${other.option}.`))
