import type { z } from 'zod'
import { optionsSchema } from './schema.js'

type Issue = z.core.$ZodIssue

/** One sentence on what is wrong with an option and how to mend it; never the value itself. */
export function explainIssue(issue: Issue): string {
  return explain(issue, issue.path)
}

function explain(issue: Issue, path: PropertyKey[]): string {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownOption(path, key)).join('; ')
  const meant = issue.code === 'invalid_union' ? meantBy(issue) : undefined
  if (meant) return meant.map((inner) => explain(inner, [...path, ...inner.path])).join('; ')
  return `${path.join('.') || 'options'} ${reason(issue)}`
}

/** The complaints of the alternative whose type the value has: that is the one that was meant. */
function meantBy({ errors }: Extract<Issue, { code: 'invalid_union' }>): Issue[] | undefined {
  return errors.find((issues) => issues.every((issue) => issue.path.length > 0 || !isOfOtherType(issue)))
}

const isOfOtherType = ({ code }: Issue) => code === 'invalid_type' || code === 'invalid_value'

function reason(issue: Issue): string {
  if (issue.code === 'too_small' && issue.origin !== 'string' && issue.origin !== 'array')
    return `must be greater than ${String(issue.minimum)}`
  const wanted = wantedBy(issue)
  return wanted.length ? `must be ${listed(wanted)}` : issue.message
}

const NOUNS: Record<string, readonly string[]> = {
  array: ['a list'],
  boolean: ['true', 'false'],
  int: ['a whole number'],
  number: ['a number'],
  object: ['an object'],
  string: ['a string'],
}

function wantedBy(issue: Issue): readonly string[] {
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

function unknownOption(path: PropertyKey[], key: string): string {
  const name = [...path, key].join('.')
  const near = siblings(path).find((known) => isNear(known, key))
  const remedy = near ? `did you mean ${[...path, near].join('.')}?` : 'see the list of options in the README'
  return `unknown option ${name}: ${remedy}`
}

interface Node {
  shape?: Record<PropertyKey, unknown>
  unwrap?: () => unknown
  options?: readonly unknown[]
}

function siblings(path: PropertyKey[]): string[] {
  let shape = shapeOf(optionsSchema)
  for (const step of path) shape = shapeOf(shape?.[step])
  return Object.keys(shape ?? {})
}

/** The members of an object, be it optional or one of several alternatives. */
function shapeOf(node: unknown): Node['shape'] {
  const { shape, unwrap, options } = Object(node) as Node
  if (unwrap) return shapeOf(unwrap.call(node))
  return shape ?? options?.map(shapeOf).find(Boolean)
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Another capital, underscore or plural, or at most two letters off. */
function isNear(known: string, written: string): boolean {
  return plain(known) === plain(written) || distance(plain(known), plain(written)) <= 2
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of a.split('').entries()) {
    row = nextRow(row, letter, { b, first: i + 1 })
  }
  return row[b.length] ?? 0
}

function nextRow(previous: number[], letter: string, { b, first }: { b: string; first: number }): number[] {
  const row = [first]
  for (let j = 1; j <= b.length; j++) {
    const change = (previous[j - 1] ?? 0) + (b[j - 1] === letter ? 0 : 1)
    row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
  }
  return row
}
