/** An HTTP answer in the making. */
export interface Answer {
  status: number
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
}
