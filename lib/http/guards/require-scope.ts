import { AuthError } from '../../errors.js'
import type { RequireScope } from '../guard-types.js'
import type { SendError } from '../send-error.js'
import { factory, guardBehindAuth, namesOf } from './behind-auth.js'

const example = "auth.requireScope('read:posts')"

/** 403 `insufficient_scope` unless the login was granted all scopes. */
export function createRequireScope(sendError: SendError): RequireScope {
  const make: RequireScope = (...scopes) => {
    const wanted = namesOf(scopes, 'the scopes of requireScope', example)
    return guardBehindAuth({
      name: 'requireScope',
      sendError,
      check: ({ login }) => {
        const granted = login.scope.split(' ')
        if (wanted.every((scope) => granted.includes(scope))) return undefined
        return new AuthError('insufficient_scope', { body: { scope: wanted.join(' ') } })
      },
    })
  }
  return factory(make, { example, sendError })
}
