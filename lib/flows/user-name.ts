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

/** The username for events, as the option says; the password is the one that was typed with it. */
export function nameOf(typed: Typed | undefined, parts: NameParts, failed = false): { userName?: string } {
  const { config, seal } = parts
  if (!typed || config.logUserName === false) return {}
  const plain = config.logUserName === 'plain' && !mayBePassword(typed, failed)
  return { userName: plain ? typed.username : seal.blind(typed.username.toLowerCase()) }
}

/** People type passwords into the wrong field. What logged in is a username; what failed is one if it looks like an address. */
function mayBePassword({ username, password }: Typed, failed: boolean): boolean {
  const secret = bare(password ?? '')
  const isAddress = /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(username)
  return (failed && !isAddress) || (secret !== '' && bare(username).includes(secret))
}

/** As people may vary a password: with spaces, in another case. */
const bare = (text: string) => text.toLowerCase().replace(/\s/g, '')
