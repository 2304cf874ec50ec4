import type { Problem } from './problem.js'
import { optionsSchema } from './schema.js'
import { adviceFor } from './wrong-names.js'

/** Reports an unknown option and suggests the intended one. */
export function unknownOption(path: readonly PropertyKey[], key: string): Problem {
  const option = [...path, key].join('.')
  const remedy = adviceFor(path.join('.'), plain(key)) ?? suggestion(path, key)
  return { option, text: `unknown option ${option}: ${remedy}` }
}

function suggestion(path: readonly PropertyKey[], key: string): string {
  const [name, letters] = nearest(membersAt(path), key)
  const here = name && [...path, name].join('.')
  const elsewhere = KNOWN.find((known) => plain(known.slice(known.lastIndexOf('.') + 1)) === plain(key))
  const meant = letters === 0 ? here : (elsewhere ?? here)
  return meant ? `did you mean ${meant}?` : 'see the list of options in docs/options.md'
}

/** Ignores case, underscores and hyphens. */
const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** The most similar name, with at most two different letters and at most half of its letters, and their number. */
function nearest(names: readonly string[], written: string): [name: string, letters: number] | [] {
  const [first = []] = names
    .map((name): [string, number] => [name, distance(plain(name), plain(written))])
    .filter(([name, letters]) => letters <= Math.min(2, plain(name).length / 2))
    .sort(([, a], [, b]) => a - b)
  return first
}

interface Node {
  shape?: Record<PropertyKey, unknown>
  unwrap?: () => unknown
  options?: readonly unknown[]
}

/** The members of an object schema, which may be optional or part of a union. */
function shapeOf(node: unknown): Node['shape'] {
  const { shape, unwrap, options } = Object(node) as Node
  if (unwrap) return shapeOf(unwrap.call(node))
  return shape ?? options?.map(shapeOf).find(Boolean)
}

function membersAt(path: readonly PropertyKey[]): string[] {
  const shape = path.reduce((holder, step) => shapeOf(holder?.[step]), shapeOf(optionsSchema))
  return Object.keys(shape ?? {})
}

/** The paths of all options, outermost first. */
const KNOWN = pathsBelow([]).sort((a, b) => a.split('.').length - b.split('.').length)

function pathsBelow(path: readonly string[]): string[] {
  return membersAt(path).flatMap((key) => [[...path, key].join('.'), ...pathsBelow([...path, key])])
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of a.split('').entries()) row = nextRow(row, letter, { b, first: i + 1 })
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
