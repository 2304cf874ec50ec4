import type { AuthEvent } from '../events.js'
import type { Config } from '../options/options.js'
import type { Seal } from '../session/seal.js'
import { doubtAbout, type TypedName } from '../typed-name.js'

interface NameParts {
  config: Config
  seal: Seal
}

/** The username for events, according to `logUserName`. Hashed if it may be a password. */
export function nameOf(
  typed: TypedName | undefined,
  { config, seal }: NameParts,
  failed = false,
): Pick<AuthEvent, 'userName' | 'userNameHashed'> {
  if (!typed || config.logUserName === false) return {}
  const { username } = typed
  const doubt = config.logUserName === 'plain' ? doubtAbout(typed, failed) : undefined
  if (config.logUserName === 'plain' && doubt === undefined) return { userName: username }
  return { userName: seal.blind(username.toLowerCase()), ...(doubt && { userNameHashed: doubt }) }
}
