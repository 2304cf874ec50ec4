import { opaqueToken } from './token-minter.js'
import type { EmulatorClock } from './types.js'

/** Expiring values, looked up by random handles. */
export class Handles<Value> {
  readonly #clock: EmulatorClock
  readonly #lifetime: number
  readonly #values = new Map<string, { value: Value; expiresAt: number }>()

  constructor(clock: EmulatorClock, { seconds }: { seconds: number }) {
    this.#clock = clock
    this.#lifetime = seconds * 1000
  }

  add(value: Value): string {
    const handle = opaqueToken()
    this.#values.set(handle, { value, expiresAt: this.#clock.now() + this.#lifetime })
    return handle
  }

  get(handle: string): Value | undefined {
    const entry = this.#values.get(handle)
    return entry && this.#clock.now() < entry.expiresAt ? entry.value : undefined
  }

  /** Removes and returns the value. */
  take(handle: string): Value | undefined {
    const value = this.get(handle)
    this.#values.delete(handle)
    return value
  }
}
