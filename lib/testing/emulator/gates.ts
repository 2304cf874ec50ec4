import { matches } from './request-match.js'
import type { Gate, RecordedRequest, RequestMatch } from './types.js'

export type Moment = 'before' | 'after'

interface ClosedGate {
  match: RequestMatch
  moment: Moment
  arrive: (record: RecordedRequest) => void
  opened: Promise<void>
}

/** Gates that hold the next matching request. */
export class Gates {
  readonly #closed: ClosedGate[] = []
  readonly #openers = new Set<() => void>()

  hold(match: RequestMatch, moment: Moment): Gate {
    const arrival = signal<RecordedRequest>()
    const opening = signal<undefined>()
    const release = () => opening.resolve(undefined)
    this.#openers.add(release)
    this.#closed.push({ match, moment, arrive: arrival.resolve, opened: opening.promise })
    return { arrived: arrival.promise, release }
  }

  async pass(record: RecordedRequest, moment: Moment): Promise<void> {
    const index = this.#closed.findIndex((gate) => gate.moment === moment && matches(gate.match, record))
    const [gate] = index === -1 ? [] : this.#closed.splice(index, 1)
    gate?.arrive(record)
    await gate?.opened
  }

  openAll(): void {
    this.#closed.length = 0
    for (const release of this.#openers) release()
  }
}

function signal<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined
  const promise = new Promise<Value>((done) => {
    resolve = done
  })
  return { promise, resolve: (value) => resolve(value) }
}
