import type { EmulatorClock } from './types.js'

interface Bucket {
  left: number
  filledAt: number
}

export interface BucketSize {
  /** Burst size. */
  limit: number
  /** Requests added per minute. */
  perMinute: number
}

/** Remaining requests, in Auth0's rate limit headers. */
export interface Drawn {
  isEmpty: boolean
  headers: Record<string, string>
}

/** Token buckets that refill on the emulator's clock. */
export class RequestBuckets {
  readonly #clock: EmulatorClock
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: EmulatorClock) {
    this.#clock = clock
  }

  reset(): void {
    this.#buckets.clear()
  }

  draw(key: string, { limit, perMinute }: BucketSize): Drawn {
    const now = this.#clock.now()
    const { left, filledAt } = this.#buckets.get(key) ?? { left: limit, filledAt: now }
    const filled = Math.min(limit, left + ((now - filledAt) / 60_000) * perMinute)
    const isEmpty = filled < 1
    const rest = isEmpty ? filled : filled - 1
    this.#buckets.set(key, { left: rest, filledAt: now })
    const resetAt = Math.ceil((now + ((limit - rest) / perMinute) * 60_000) / 1000)
    return { isEmpty, headers: headersOf({ limit, rest, resetAt }) }
  }
}

function headersOf({ limit, rest, resetAt }: { limit: number; rest: number; resetAt: number }): Record<string, string> {
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(Math.floor(rest)),
    'x-ratelimit-reset': String(resetAt),
  }
}
