/** Ignores case, underscores and hyphens. */
export const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Each name with the number of letters in which it differs from the written one, most similar first. */
export function bySimilarity(names: readonly string[], written: string): [name: string, letters: number][] {
  return names
    .map((name): [string, number] => [name, distance(plain(name), plain(written))])
    .sort(([, a], [, b]) => a - b)
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
