import type { z } from 'zod'
import type { Gathered } from './environment.js'
import type { Problem } from './problem.js'
import { optionsSchema } from './schema.js'
import { unknownOption } from './unknown-option.js'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** Unknown options, and invalid values. */
export function shapeProblems(gathered: Gathered): Problem[] {
  const issues = optionsSchema.safeParse(gathered.options).error?.issues ?? []
  const leaves = issues.flatMap((issue) => leavesOf(issue, issue.path))
  const unknown = leaves.flatMap(({ issue, path }) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownOption(path, key)) : [],
  )
  return [...unknown, ...invalid(leaves, gathered)]
}

interface Leaf {
  issue: Issue
  path: Path
}

/** An issue, or for a union the issues of the intended alternative. */
function leavesOf(issue: Issue, path: Path): Leaf[] {
  const meant = issue.code === 'invalid_union' ? meantBy(issue) : undefined
  return meant?.flatMap((inner) => leavesOf(inner, [...path, ...inner.path])) ?? [{ issue, path }]
}

/** The intended alternative is the one with the type of the value. */
function meantBy({ errors }: Extract<Issue, { code: 'invalid_union' }>): Issue[] | undefined {
  return errors.find((issues) => issues.every((issue) => issue.path.length > 0 || !isOfOtherType(issue)))
}

const isOfOtherType = ({ code }: Issue) => code === 'invalid_type' || code === 'invalid_value'

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

function reasonOf(issue: Issue): string {
  const wanted = wantedBy(issue)
  return wanted.length > 0 ? `must be ${listed(wanted)}` : issue.message
}

const NOUNS: Record<string, string[]> = {
  array: ['a list'],
  boolean: ['true', 'false'],
  object: ['an object'],
  string: ['a string'],
}

function wantedBy(issue: Issue): string[] {
  if (issue.code === 'invalid_type') return NOUNS[issue.expected] ?? [`of type ${issue.expected}`]
  if (issue.code === 'invalid_value') return issue.values.map(quoted)
  if (issue.code === 'invalid_union') return issue.errors.flat().flatMap(wantedBy)
  return []
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

function listed(alternatives: readonly string[]): string {
  const [last = '', ...others] = [...new Set(alternatives)].reverse()
  return others.length ? `${others.reverse().join(', ')} or ${last}` : last
}
