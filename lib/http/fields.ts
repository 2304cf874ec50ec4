import { z } from 'zod'
import { AuthError } from '../errors.js'

/** Field -> reason. Never contains a value. */
export type Fields = Partial<Record<string, string>>

/** A string of at most `limit` characters. */
export const text = (limit: number) =>
  z
    .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be a string') })
    .max(limit, `must be at most ${limit} characters`)
    .refine((value) => !value.includes('\0'), 'must not contain a NUL character')
    .refine(isWellFormed, 'must be valid Unicode')

/** Replaces `String.prototype.isWellFormed`, which ES2022 lacks. Lone surrogates cannot be sent. */
function isWellFormed(value: string): boolean {
  return !/\p{Surrogate}/u.test(value)
}

/** Characters. RFC 5321 allows addresses of 254 characters, and Auth0 usernames are shorter. */
const NAME_LIMIT = 320
const PASSWORD_LIMIT = 1024

export const name = text(NAME_LIMIT).trim().min(1, 'must not be empty')
export const password = text(PASSWORD_LIMIT).min(1, 'must not be empty')

/** Validates a body. `invalid_request` names each invalid field. `null` and empty strings count as missing. */
export function readFields<Shape extends z.ZodType>(shape: Shape, body: unknown): z.output<Shape> {
  const sent = isRecord(body) ? body : {}
  const given = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null && value !== ''))
  const { data, error } = shape.safeParse(given)
  if (!error) return data
  throw invalidFields(reasonsOf(error))
}

/** The first reason for each field. */
export function reasonsOf(error: z.ZodError | undefined): Fields {
  const fields: Fields = {}
  for (const { path, message } of error?.issues ?? []) fields[String(path[0] ?? 'body')] ??= message
  return fields
}

export function invalidFields(fields: Fields): AuthError {
  return new AuthError('invalid_request', { body: { fields } })
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)
}
