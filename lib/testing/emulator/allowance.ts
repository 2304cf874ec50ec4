import type { EmulatorClock } from './types.js'

interface AllowanceSize {
  most: number
  /** Seconds until a used attempt is available again. */
  refill: number
}

/** One bucket per key. Each attempt takes one token, and tokens come back over time. */
export class Allowance {
  readonly #clock: EmulatorClock
  readonly #size: AllowanceSize
  readonly #buckets = new Map<string, { left: number; at: number }>()

  constructor(clock: EmulatorClock, size: AllowanceSize) {
    this.#clock = clock
    this.#size = size
  }

  isSpent(key: string): boolean {
    return this.#left(key) < 1
  }

  /** Returns false if the bucket is empty. */
  take(key: string): boolean {
    const left = this.#left(key)
    if (left < 1) return false
    this.#buckets.set(key, { left: left - 1, at: this.#clock.now() })
    return true
  }

  reset(): void {
    this.#buckets.clear()
  }

  #left(key: string): number {
    const { most, refill } = this.#size
    const bucket = this.#buckets.get(key)
    if (!bucket) return most
    return Math.min(most, bucket.left + (this.#clock.now() - bucket.at) / (refill * 1000))
  }
}
