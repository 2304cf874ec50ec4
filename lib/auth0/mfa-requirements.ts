import { MfaRequiredError, type MfaRequirements } from '../errors.js'

/** Matches identifiers such as `otp` and `push-notification`, but no free text. */
const TYPE = /^[a-z][a-z-]{1,31}$/

/**
 * Reads the factors from an `MfaRequiredError` or from Auth0's response body. Auth0 sends `mfa_requirements` in several
 * formats, or omits it. Both lists are then empty.
 */
export function mfaRequirementsOf(errorOrBody: unknown): MfaRequirements {
  if (errorOrBody instanceof MfaRequiredError) return errorOrBody.requirements
  const { challenge, enroll, challenge_types } = membersOf(membersOf(errorOrBody).mfa_requirements)
  return { challenge: typesIn(challenge ?? challenge_types), enroll: typesIn(enroll) }
}

/** Reads `[{ type }, ...]` or `[type, ...]`. */
function typesIn(list: unknown): { type: string }[] {
  const entries: unknown[] = Array.isArray(list) ? list : []
  const types = entries.map((entry) => (typeof entry === 'string' ? entry : membersOf(entry).type))
  const known = types.filter((type) => typeof type === 'string').filter((type) => TYPE.test(type))
  return [...new Set(known)].map((type) => ({ type }))
}

function membersOf(value: unknown): Record<string, unknown> {
  return Object(value) as Record<string, unknown>
}
