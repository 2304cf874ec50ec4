import type { z } from 'zod'
import { ConfigurationError } from '../errors.js'
import { leavesOf, reasonOf, type Leaf, type Path } from '../options/issues.js'
import { membersAt } from '../options/members.js'
import { bySimilarity } from '../options/similar-names.js'

/** @throws ConfigurationError that names `call` and each unknown or invalid option, but never a value. */
export function checkOptions(call: string, schema: z.ZodObject, written: unknown): void {
  const leaves = (schema.safeParse(written).error?.issues ?? []).flatMap((issue) => leavesOf(issue))
  // Many users may have the same problem.
  const problems = new Map<string, string[]>()
  for (const [name, problem] of leaves.flatMap((leaf) => problemsOf(leaf, schema)))
    problems.set(problem, [...(problems.get(problem) ?? []), name])
  if (problems.size === 0) return
  const texts = [...problems].map(([problem, names]) => names.join(', ') + problem)
  throw new ConfigurationError(`${call}: ${texts.join('; ')}`)
}

function problemsOf({ issue, path }: Leaf, schema: z.ZodObject): [name: string, problem: string][] {
  if (issue.code !== 'unrecognized_keys') return [[nameOf(path) || 'the argument', ` ${reasonOf(issue)}`]]
  const known = membersAt(schema, path)
  return issue.keys.map((key) => {
    const similar = bySimilarity(known, key).map(([name]) => name)
    return [nameOf([...path, key]), `: unknown option, use one of ${similar.join(', ')}`]
  })
}

/** As in code: `users[0].mfa`. */
function nameOf(path: Path): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${String(step)}]` : `.${String(step)}`))
  return steps.join('').replace(/^\./, '')
}
