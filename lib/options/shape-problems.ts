import type { Gathered } from './environment.js'
import { leavesOf, reasonOf, type Leaf, type Path } from './issues.js'
import type { Problem } from './problem.js'
import { optionsSchema } from './schema.js'
import { unknownOption } from './unknown-option.js'

/** Unknown options, and invalid values. */
export function shapeProblems(gathered: Gathered): Problem[] {
  const issues = optionsSchema.safeParse(gathered.options).error?.issues ?? []
  const leaves = issues.flatMap((issue) => leavesOf(issue))
  const unknown = leaves.flatMap(({ issue, path }) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownOption(path, key)) : [],
  )
  return [...unknown, ...invalid(leaves, gathered)]
}

interface Finding {
  option: string
  item: Item
  /** The message after the name of the option. */
  reason: string
}

/** One problem per option, even if several items of a list are wrong. */
function invalid(leaves: readonly Leaf[], gathered: Gathered): Problem[] {
  const byPath = groupBy(leaves, ({ path }) => path.join('.'))
  const findings = [...byPath.values()].flatMap(([leaf]) => (leaf ? findingOf(leaf) : []))
  return [...groupBy(findings, ({ option }) => option)].map(([option, its]) => ({
    option,
    text: [...groupBy(its, ({ reason }) => reason)]
      .map(([reason, same]) => `${nameOf(option, same, gathered)} ${reason}`)
      .join('; '),
  }))
}

function findingOf({ issue, path }: Leaf): Finding[] {
  return issue.code === 'unrecognized_keys' ? [] : [{ ...target(path), reason: reasonOf(issue) }]
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}

/** Index in a list. */
type Item = number | undefined

function target(path: Path): { option: string; item: Item } {
  const item = path.find((step) => typeof step === 'number')
  const steps = item === undefined ? path : path.slice(0, path.indexOf(item))
  return { option: steps.join('.'), item }
}

function nameOf(option: string, findings: readonly Finding[], { variables, isSplit }: Gathered): string {
  const numbers = findings.flatMap(({ item }) => item ?? [])
  const variable = variables.get(option)
  if (variable === undefined) return numbers.length > 0 ? `${option}[${numbers.join(', ')}]` : option
  if (!isSplit || numbers.length === 0) return `${option} (from ${variable})`
  const parts = `part${numbers.length > 1 ? 's' : ''} ${numbers.map((number) => number + 1).join(', ')}`
  return `${option} (${parts} of ${variable}, which was split at spaces and commas)`
}
