import { AuthError } from '../../errors.js'
import type { Hint } from '../../events.js'
import type { Config } from '../../options/options.js'
import type { RequireScope } from '../guard-types.js'
import { factory, guardBehindAuth, namesOf, type GuardTools } from './behind-auth.js'

const example = "auth.requireScope('read:posts')"

export interface RequireScopeParts extends GuardTools {
  config: Pick<Config, 'scope'>
  hint: Hint
}

/** 403 `insufficient_scope` unless the login was granted all scopes. */
export function createRequireScope({ config, hint, ...tools }: RequireScopeParts): RequireScope {
  const requested = config.scope.split(/\s+/)
  const make: RequireScope = (...scopes) => {
    const wanted = namesOf(scopes, 'the scopes of requireScope', example)
    const names = wanted.filter((scope) => !requested.includes(scope)).join(' ')
    return guardBehindAuth({
      ...tools,
      name: 'requireScope',
      check: ({ login }) => {
        const granted = login.scope.split(' ')
        if (wanted.every((scope) => granted.includes(scope))) return undefined
        if (names) hint(`scope ${names}`, notRequested(names))
        return new AuthError('insufficient_scope', { body: { scope: wanted.join(' ') } })
      },
    })
  }
  return factory(make, { ...tools, example })
}

function notRequested(names: string): string {
  return `requireScope refused a request because logins do not request ${names}: add it to the scope option`
}
