/** Seeded pseudorandom numbers (mulberry32). */
export interface Random {
  /** From 0 to 1, exclusive. */
  next(): number
  /** From 0 to `limit`, exclusive. */
  below(limit: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  /** Picks a name by weight. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (list) => {
      if (list.length === 0) throw new RangeError('there is nothing to pick from')
      return list[below(list.length)]!
    },
    weighted: (weights) => {
      const names = Object.keys(weights) as (keyof typeof weights)[]
      let left = next() * names.reduce((sum, name) => sum + weights[name], 0)
      return names.find((name) => (left -= weights[name]) < 0) ?? names.at(-1)!
    },
  }
}

/** One seed per batch, so that a batch does not depend on the ones before it. */
export function seedOf(seed: number, batch: number): number {
  return Math.imul(seed ^ 0x9e3779b9, 2 * batch + 1) >>> 0
}
