import type { AuthErrorCode } from '../../lib/errors.ts'

export type Schema = Record<string, unknown>

export interface Header {
  schema: Schema
  description?: string
  required?: boolean
}

export interface Success {
  status: number
  description: string
  /** If absent, the response has no body. */
  body?: Schema
  headers?: Record<string, Header>
}

export interface Operation {
  method: 'get' | 'post' | 'delete'
  path: string
  id: string
  tag: string
  summary: string
  description?: string
  /** Query and path parameters. */
  parameters?: Schema[]
  body?: Schema
  /** Accepts only forms, not JSON. */
  isForm?: boolean
  success: Success[]
  errors: readonly AuthErrorCode[]
  /** Statuses of responses that may set or clear a cookie. */
  cookies?: number[]
  /** Whether responses have rate limit headers. */
  isLimited?: boolean
  /** Required cookies. Default none. */
  security?: 'session' | 'mfa' | 'browser'
}
