import type { z } from 'zod'

type Issue = z.core.$ZodIssue
export type Path = readonly PropertyKey[]

export interface Leaf {
  issue: Issue
  path: Path
}

/** An issue, or for a union the issues of the intended alternative. */
export function leavesOf(issue: Issue, path: Path = issue.path): Leaf[] {
  const meant = issue.code === 'invalid_union' ? meantBy(issue) : undefined
  return meant?.flatMap((inner) => leavesOf(inner, [...path, ...inner.path])) ?? [{ issue, path }]
}

/** The intended alternative is the one with the type of the value. */
function meantBy({ errors }: Extract<Issue, { code: 'invalid_union' }>): Issue[] | undefined {
  return errors.find((issues) => issues.every((issue) => issue.path.length > 0 || !isOfOtherType(issue)))
}

const isOfOtherType = ({ code }: Issue) => code === 'invalid_type' || code === 'invalid_value'

/** What is wrong with a value, which it does not name. */
export function reasonOf(issue: Issue): string {
  const wanted = wantedBy(issue)
  return wanted.length > 0 ? `must be ${listed(wanted)}` : issue.message
}

const NOUNS: Record<string, string[]> = {
  array: ['a list'],
  boolean: ['true', 'false'],
  number: ['a number'],
  object: ['an object'],
  record: ['an object'],
  set: ['a Set'],
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
