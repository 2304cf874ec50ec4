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
  /** Without one, the response has no body. */
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
  /** Only a form, never JSON. */
  isForm?: boolean
  success: Success[]
  errors: readonly AuthErrorCode[]
  /** Statuses of the responses that may set or clear a cookie. */
  cookies?: number[]
  /** Whether its responses tell of a limit. */
  isLimited?: boolean
  /** Which cookies it needs; none by default. */
  security?: 'session' | 'mfa' | 'browser'
}
