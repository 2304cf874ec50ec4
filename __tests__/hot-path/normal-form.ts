import type { Redis } from 'ioredis'

const UUID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g
/** Of express-session; the signature behind it says the same again. */
const SESSION_ID = /(?:(s(?::|%3A))|(?<![\w-]))([\w-]{32})(?![\w-])(\.[\w%+/=]+)?/g
const MOMENTS = [
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'iso time'],
  [/Expires=(?!Thu, 01 Jan 1970)[^;"]+/g, 'Expires=later'],
  // express-session loses a millisecond where its clock ticks between two looks at it.
  [/"originalMaxAge":2591999\d\d\d/g, '"originalMaxAge":2592000000'],
  [/"originalMaxAge":3599\d\d\d(?!\d)/g, '"originalMaxAge":3600000'],
] as const

/** Within how many milliseconds two times to live are the same. */
const TOLERANCE = 60_000

/** What two instances show, without what differs between any two: ids go by their first appearance, times by kind. */
export class NormalForm {
  readonly #names = new Map<string, string>()

  /** Gives the id in a cookie its name. */
  name(text: string): void {
    this.#clean(text, (id) => this.#nameOf(id))
  }

  /** Texts inside of anything. */
  of(value: unknown): unknown {
    const text = this.#clean(JSON.stringify(value), (id) => this.#nameOf(id))
    return text === '' ? undefined : (JSON.parse(text) as unknown)
  }

  /** Every key of a prefix: kind, time to live, what it holds. Ids that nobody has seen have no name. */
  async ofRedis(redis: Redis, prefix: string): Promise<unknown[]> {
    const keys = await redis.keys(`${prefix}*`)
    const entries = await Promise.all(
      keys.map(async (key) => {
        const [, kind = '', id = ''] = key.slice(prefix.length).split(':')
        const held =
          kind === 'u' || kind === 'i' ? Object.values(await redis.hgetall(key)).sort() : await redis.get(key)
        const name = kind === 'u' || kind === 'i' ? 'user' : (this.#names.get(id) ?? 'unseen')
        const ttl = Math.round((await redis.pttl(key)) / TOLERANCE)
        return JSON.stringify({ kind, name, ttl, holds: this.#heldIn(kind, held) })
      }),
    )
    return entries.sort().map((entry) => JSON.parse(entry) as unknown)
  }

  #heldIn(kind: string, held: string | string[] | null): unknown {
    // Sealed: its version, and about how much it is.
    if (kind === 't') return String(held).split('.')[0]
    const texts = [held ?? ''].flat()
    return texts.map((text) => this.#known(withoutMoments(JSON.parse(text) as object))).sort()
  }

  #known(value: object): string {
    return this.#clean(JSON.stringify(value), (id) => this.#names.get(id) ?? 'unseen')
  }

  #clean(text: string, nameOf: (id: string) => string): string {
    const named = text
      .replace(UUID, nameOf)
      .replace(SESSION_ID, (_all, signed: string | undefined, id: string) => (signed ? 's:' : '') + nameOf(id))
    return MOMENTS.reduce((clean, [moment, kind]) => clean.replace(moment, kind), named)
  }

  #nameOf(id: string): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const name = `id ${this.#names.size + 1}`
    this.#names.set(id, name)
    return name
  }
}

/** Of a session or an entry of the list. */
function withoutMoments(blob: object & { ropg?: object; since?: number; until?: number }): object {
  const { since, until, ropg, ...others } = blob
  const lasts = since === undefined || until === undefined ? {} : { lasts: until - since }
  return { ...others, ...lasts, ...(ropg && { ropg: withoutMoments(ropg) }) }
}
