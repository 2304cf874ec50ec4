import type { Config } from '../options/options.js'
import type { Seal } from '../session/seal.js'

interface Typed {
  username: string
  password?: string | undefined
}

interface NameParts {
  config: Config
  seal: Seal
}

/** The username for events; hashed where it holds the password, as when somebody types into the wrong field. */
export function nameOf(typed: Typed | undefined, { config, seal }: NameParts): { userName?: string } {
  if (!typed || config.logUserName === false) return {}
  const { username, password } = typed
  const secret = password?.trim() ?? ''
  const plain = config.logUserName === 'plain' && !(secret && username.includes(secret))
  return { userName: plain ? username : seal.blind(username.toLowerCase()) }
}
