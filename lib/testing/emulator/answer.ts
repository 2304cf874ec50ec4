export interface Answer {
  status: number
  /** Strings are sent unchanged, anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
}
