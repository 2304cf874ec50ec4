import { AuthError, ConfigurationError } from '../../errors.js'
import type { ExpectedClaim, RequireClaim } from '../guard-types.js'
import type { UserClaims } from '../../options/claims.js'
import { factory, guardBehindAuth, type GuardTools } from './behind-auth.js'

const example = "auth.requireClaim('https://example.com/roles', 'admin')"

/** 403 `forbidden` unless the claim has the expected value. A list claim matches if it contains the value. */
export function createRequireClaim(tools: GuardTools): RequireClaim {
  const make: RequireClaim = (name, expected) => {
    if (typeof name !== 'string' || !name) throw new ConfigurationError(`requireClaim needs a claim: ${example}`)
    if ([expected].flat().some((value: unknown) => value === undefined))
      throw new ConfigurationError(`requireClaim needs an expected value: ${example}`)
    return guardBehindAuth({
      ...tools,
      name: 'requireClaim',
      check: ({ auth: { user } }) => {
        if (matches(user, name, expected)) return undefined
        return new AuthError('forbidden', { detail: `the claim ${name} does not have the required value` })
      },
    })
  }
  return factory(make, { ...tools, example })
}

function matches(user: UserClaims, name: string, expected: ExpectedClaim): boolean {
  const claim = Object.hasOwn(user, name) ? user[name] : undefined
  // A promise is truthy, but must not grant access.
  if (typeof expected === 'function') return (expected(claim, user) as unknown) === true
  if (claim === undefined) return false
  const held: unknown[] = [claim].flat()
  return [expected].flat().some((value) => held.includes(value))
}
