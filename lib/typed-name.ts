/** A username as typed, and the password that was typed with it. */
export interface TypedName {
  username: string
  password?: string | undefined
  /** Whether the two resemble each other, where the password is no longer at hand. */
  resemblesPassword?: boolean | undefined
}

/** Why a username may be a password that was typed into the wrong field. */
export type NameDoubt = 'resembles the password' | 'not an email address'

/** A name that logged in is a username. A name that failed counts as one if it looks like an email address. */
export function doubtAbout(typed: TypedName, failed: boolean): NameDoubt | undefined {
  if (resemblesPassword(typed)) return 'resembles the password'
  return failed && !EMAIL.test(typed.username) ? 'not an email address' : undefined
}

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

/** Whether one of the two contains the other. */
export function resemblesPassword({ username, password = '', resemblesPassword: known }: TypedName): boolean {
  if (known !== undefined) return known
  const [name, secret] = [bare(username), bare(password)]
  return name !== '' && secret !== '' && (name.includes(secret) || secret.includes(name))
}

/** Ignores spaces and case, as in a mistyped password. */
const bare = (text: string) => text.toLowerCase().replace(/\s/g, '')
