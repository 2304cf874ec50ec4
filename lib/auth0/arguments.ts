import { AuthError, MissingRequiredArgumentError } from '../errors.js'

/** Throws `MissingRequiredArgumentError` or `invalid_request` unless the argument is a non-empty string. */
export function requiredText(name: string, value: unknown): string {
  const text = optionalText(name, value)
  if (text === undefined) throw new MissingRequiredArgumentError(name)
  return text
}

/** Treats `null` and an empty string as missing. Throws `invalid_request` for other types. */
export function optionalText(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw invalid(name, 'must be a string')
  // A lone surrogate would be sent as another character.
  if (/\p{Surrogate}/u.test(value)) throw invalid(name, 'must be valid Unicode')
  return value
}

function invalid(name: string, reason: string): AuthError {
  return new AuthError('invalid_request', { detail: `${name} ${reason}`, body: { fields: { [name]: reason } } })
}

export function definedOnly(parameters: Record<string, string | undefined>): Record<string, string> {
  const defined: Record<string, string> = {}
  for (const [name, value] of Object.entries(parameters)) if (value) defined[name] = value
  return defined
}
