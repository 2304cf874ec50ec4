import { AuthError } from '../../errors.js'
import type { Hint } from '../../events.js'
import type { RequirePermission } from '../guard-types.js'
import { factory, guardBehindAuth, namesOf, type GuardTools } from './behind-auth.js'

const example = "auth.requirePermission('read:posts')"

const NO_PERMISSIONS =
  'requirePermission refused a request because the access token contains no permissions: set the audience option, and ' +
  'turn on Enable RBAC and Add Permissions in the Access Token under Applications > APIs > your API > Settings'

/** 403 `forbidden` unless the access token for the configured audience has all permissions (Auth0 RBAC). */
export function createRequirePermission(tools: GuardTools, hint: Hint): RequirePermission {
  const make: RequirePermission = (...permissions) => {
    const wanted = namesOf(permissions, 'the permissions of requirePermission', example)
    return guardBehindAuth({
      ...tools,
      name: 'requirePermission',
      check: ({ login: { permissions: held } }) => {
        if (!held) hint('no permissions', NO_PERMISSIONS)
        else if (wanted.every((permission) => held.includes(permission))) return undefined
        return new AuthError('forbidden', { detail: held ? `one of ${wanted.join(', ')} is missing` : NO_PERMISSIONS })
      },
    })
  }
  return factory(make, { ...tools, example })
}
