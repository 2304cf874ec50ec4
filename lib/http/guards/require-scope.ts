import type { Hint } from '../../events.js'
import { insufficientScope, lacking } from '../../flows/insufficient-scope.js'
import type { Config } from '../../options/options.js'
import type { RequireScope } from '../guard-types.js'
import { factory, guardBehindAuth, namesOf, type GuardTools } from './behind-auth.js'

const example = "auth.requireScope('read:posts')"

export interface RequireScopeParts extends GuardTools {
  config: Pick<Config, 'scope' | 'audience'>
  hint: Hint
}

/** 403 `insufficient_scope` unless the login was granted all scopes. */
export function createRequireScope({ config, hint, ...tools }: RequireScopeParts): RequireScope {
  const requested = config.scope.split(/\s+/)
  const refuse = (wanted: string, missing: readonly string[]) => {
    const names = missing.filter((scope) => !requested.includes(scope)).join(' ')
    if (names) hint(`scope ${names}`, notRequested(names))
    else if (config.audience === undefined) hint('audience', noAudience(missing))
    return insufficientScope(wanted, missing)
  }
  const make: RequireScope = (...scopes) => {
    const wanted = namesOf(scopes, 'the scopes of requireScope', example).join(' ')
    return guardBehindAuth({
      ...tools,
      name: 'requireScope',
      check: ({ login }) => {
        const missing = lacking(login.scope, wanted)
        return missing.length > 0 ? refuse(wanted, missing) : undefined
      },
    })
  }
  return factory(make, { ...tools, example })
}

function notRequested(names: string): string {
  return `requireScope refused a request because logins do not request ${names}: add it to the scope option`
}

function noAudience(missing: readonly string[]): string {
  return (
    `requireScope refused a request because Auth0 did not grant ${missing.join(', ')}, and logins name no API: set the ` +
    'audience option to the API that has this scope, as under Applications > APIs > Identifier'
  )
}
