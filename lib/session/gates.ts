import type { IncomingMessage } from 'node:http'

/** An answer, as far as express-session takes hold of it. */
export interface Answer extends Methods {
  readonly writableEnded: boolean
  req?: IncomingMessage
}

type Method = (this: Answer, ...args: unknown[]) => unknown

/** What express-session calls, or puts functions of its own before. */
interface Methods {
  end: Method
  writeHead: Method
  write: Method
}

/** What express-session has put before. */
export type Late = Partial<Methods>

/** Knows what express-session has put before the methods of an answer, and may call for it just now. */
export interface Keeper {
  late(name: keyof Methods): Method | undefined
}

const ALL: readonly (keyof Methods)[] = ['end', 'writeHead', 'write']

/**
 * Stand where answers inherit `end` and `writeHead` from. In `res.end(req.session.views)` the function is looked up before
 * its argument brings express-session to life, and so is not yet the one that saves: the gate finds its way there. And
 * nothing leaves without passing them, so they are where it is seen whether express-session is needed.
 */
export class Gates {
  readonly #originals: Methods
  readonly #gates: Methods

  constructor(response: Answer, keeperOf: (req: IncomingMessage) => Keeper | undefined) {
    const { end, writeHead, write } = response
    const gate = (name: keyof Methods): Method => {
      const original = response[name]
      return function (...args) {
        const late = this.req && keeperOf(this.req)?.late(name)
        return (late ?? original).apply(this, args)
      }
    }
    this.#originals = { end, writeHead, write }
    // Nothing of express-session is called by who has looked up `write` before.
    this.#gates = { end: gate('end'), writeHead: gate('writeHead'), write }
    Object.assign(response, { end: this.#gates.end, writeHead: this.#gates.writeHead })
  }

  /** Methods that nobody has replaced. Whoever does so later calls the gates. */
  clearOf(res: Answer): readonly (keyof Methods)[] {
    const { end, writeHead, write } = this.#gates
    if (res.end === end && res.writeHead === writeHead && res.write === write) return ALL
    return ALL.filter((name) => res[name] === this.#gates[name])
  }

  /**
   * Lets express-session take hold of an answer: where a method was clear as the request came in, before all that has been
   * put there since, and else after it.
   */
  open(res: Answer, clear: readonly (keyof Methods)[], mount: () => void): Late {
    const replaced = clear.filter((name) => res[name] !== this.#gates[name])
    const theirs = Object.fromEntries(replaced.map((name) => [name, res[name]]))
    for (const name of clear) if (res[name] !== this.#originals[name]) res[name] = this.#originals[name]
    try {
      mount()
      return Object.fromEntries(clear.map((name) => [name, res[name]]))
    } finally {
      Object.assign(res, theirs)
    }
  }
}
