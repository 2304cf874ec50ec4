import type { z } from 'zod'
import { ConfigurationError } from '../errors.js'
import { leavesOf, reasonOf, type Leaf, type Path } from '../options/issues.js'
import { membersAt } from '../options/members.js'
import { bySimilarity } from '../options/similar-names.js'

/** @throws ConfigurationError that names `call` and each unknown or invalid option, but never a value. */
export function checkOptions(call: string, schema: z.ZodObject, written: unknown): void {
  const issues = schema.safeParse(written).error?.issues ?? []
  const problems = issues.flatMap((issue) => leavesOf(issue)).flatMap((leaf) => problemsOf(leaf, schema))
  if (problems.length > 0) throw new ConfigurationError(`${call}: ${problems.join('; ')}`)
}

function problemsOf({ issue, path }: Leaf, schema: z.ZodObject): string[] {
  if (issue.code !== 'unrecognized_keys') return [`${nameOf(path) || 'the argument'} ${reasonOf(issue)}`]
  const known = membersAt(schema, path)
  return issue.keys.map((key) => {
    const similar = bySimilarity(known, key).map(([name]) => name)
    return `unknown option ${nameOf([...path, key])}: use one of ${similar.join(', ')}`
  })
}

/** As in code: `users[0].mfa`. */
function nameOf(path: Path): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${String(step)}]` : `.${String(step)}`))
  return steps.join('').replace(/^\./, '')
}
