import type { z } from 'zod'
import { optionsSchema } from './options-schema.js'

type Issue = z.core.$ZodIssue

/** One sentence on what is wrong with an option and how to mend it; never the value itself. */
export function explainIssue(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownOption(issue.path, key)).join('; ')
  return `${issue.path.join('.') || 'options'} ${reason(issue)}`
}

function reason(issue: Issue): string {
  if (issue.code === 'invalid_type') return `must be of type ${issue.expected}`
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`
  if (issue.code === 'too_small')
    return issue.origin === 'string' || issue.origin === 'array'
      ? issue.message
      : `must be greater than ${String(issue.minimum)}`
  if (issue.code === 'invalid_union') return unionReason(issue)
  return issue.message
}

// The last complaint of a union belongs to the alternative that says most about what is wanted.
function unionReason(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const reasons = issue.errors.flatMap((alternative) => alternative.map(nestedReason))
  const precise = reasons.filter((text) => !text.includes('must be of type') && !text.includes('must be one of'))
  return [...new Set(precise.length ? precise : reasons)].join(' or ')
}

function nestedReason(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') return `has unknown keys: ${issue.keys.join(', ')}`
  const where = issue.path.length ? `(${issue.path.join('.')}) ` : ''
  return where + reason(issue)
}

function unknownOption(path: PropertyKey[], key: string): string {
  const name = [...path, key].join('.')
  const near = siblings(path).find((known) => isNear(known, key))
  const remedy = near ? `did you mean ${[...path, near].join('.')}?` : 'see the list of options in the README'
  return `unknown option ${name}: ${remedy}`
}

function siblings(path: PropertyKey[]): string[] {
  let node: unknown = optionsSchema
  for (const step of path) node = unwrap((unwrap(node) as { shape?: Record<PropertyKey, unknown> }).shape?.[step])
  return Object.keys((unwrap(node) as { shape?: object } | undefined)?.shape ?? {})
}

function unwrap(node: unknown): unknown {
  const optional = node as { unwrap?: () => unknown } | undefined
  return optional?.unwrap ? unwrap(optional.unwrap()) : node
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
