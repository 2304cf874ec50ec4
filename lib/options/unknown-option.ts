import { membersAt } from './members.js'
import type { Problem } from './problem.js'
import { optionsSchema } from './schema.js'
import { bySimilarity, plain } from './similar-names.js'
import { adviceFor } from './wrong-names.js'

/** Reports an unknown option and suggests the intended one. */
export function unknownOption(path: readonly PropertyKey[], key: string): Problem {
  const option = [...path, key].join('.')
  const remedy = adviceFor(path.join('.'), plain(key)) ?? suggestion(path, key)
  return { option, text: `unknown option ${option}: ${remedy}` }
}

function suggestion(path: readonly PropertyKey[], key: string): string {
  const [name, letters] = nearest(membersAt(optionsSchema, path), key)
  const here = name && [...path, name].join('.')
  const elsewhere = KNOWN.find((known) => plain(known.slice(known.lastIndexOf('.') + 1)) === plain(key))
  const meant = letters === 0 ? here : (elsewhere ?? here)
  return meant ? `did you mean ${meant}?` : 'see the list of options in docs/options.md'
}

/** The most similar name, with at most two different letters and at most half of its letters, and their number. */
function nearest(names: readonly string[], written: string): [name: string, letters: number] | [] {
  return bySimilarity(names, written).find(([name, letters]) => letters <= Math.min(2, plain(name).length / 2)) ?? []
}

/** The paths of all options, outermost first. */
const KNOWN = pathsBelow([]).sort((a, b) => a.split('.').length - b.split('.').length)

function pathsBelow(path: readonly string[]): string[] {
  return membersAt(optionsSchema, path).flatMap((key) => [[...path, key].join('.'), ...pathsBelow([...path, key])])
}
