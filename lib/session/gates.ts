import type { IncomingMessage } from 'node:http'

/** An answer, as far as express-session takes hold of it. */
export interface Answer {
  end: Method
  writeHead: Method
  write: Method
  readonly writableEnded: boolean
  req?: IncomingMessage
}

type Method = (this: Answer, ...args: unknown[]) => unknown

/** What express-session puts functions of its own before. */
export type Held = Pick<Answer, 'end' | 'writeHead'>

/** Knows what express-session has put before the methods of an answer, and may call for it just now. */
export interface Keeper {
  late(req: IncomingMessage, name: keyof Held): Method | undefined
}

/**
 * Stand where answers inherit `end` and `writeHead` from. In `res.end(req.session.views)` the function is looked up before
 * its argument brings express-session to life, and so is not yet the one that saves: the gate finds its way there. And
 * nothing leaves without passing them, so they are where it is seen whether express-session is needed.
 */
export class Gates {
  readonly #originals: Held
  readonly #gates: Held

  constructor(response: Answer, keeperOf: (req: IncomingMessage) => Keeper | undefined) {
    const gate = (name: keyof Held): Method => {
      const original = response[name]
      return function (...args) {
        const late = this.req && keeperOf(this.req)?.late(this.req, name)
        return (late ?? original).apply(this, args)
      }
    }
    this.#originals = { end: response.end, writeHead: response.writeHead }
    this.#gates = { end: gate('end'), writeHead: gate('writeHead') }
    Object.assign(response, this.#gates)
  }

  /** False where somebody else has put a function before: that one may have been there before the gate. */
  stand(res: Answer, name: keyof Held): boolean {
    return res[name] === this.#gates[name]
  }

  /** Lets express-session put its functions before what the gates guard. Where somebody else's stand before, before those. */
  pass(res: Answer, mount: () => void): Partial<Held> {
    const names = (['end', 'writeHead'] as const).filter((name) => this.stand(res, name))
    for (const name of names) res[name] = this.#originals[name]
    mount()
    return Object.fromEntries(names.map((name) => [name, res[name]]))
  }

  /** The same for an answer that is at a gate already, after all that somebody has put before it since. */
  passWithin(res: Answer, mount: () => void): Held {
    const before = { end: res.end, writeHead: res.writeHead, write: res.write }
    const { write } = Object.getPrototypeOf(res) as Answer
    Object.assign(res, this.#originals, { write })
    mount()
    const late = { end: res.end, writeHead: res.writeHead }
    const theirs = Object.entries(before).filter(([name, method]) => method !== this.#gates[name as keyof Held])
    Object.assign(res, Object.fromEntries(theirs))
    return late
  }
}
