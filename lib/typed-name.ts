/** A username as typed, and the password that was typed with it. */
export interface TypedName {
  username: string
  password?: string | undefined
  /** Result of an earlier check, if the password is no longer available. */
  resemblesPassword?: boolean | undefined
}

/** Why a username may be a password in the wrong field. */
export type NameDoubt = 'resembles the password' | 'not an email address'

/** After a failed login, only an email address is certain to be a username. */
export function doubtAbout(typed: TypedName, failed: boolean): NameDoubt | undefined {
  if (resemblesPassword(typed)) return 'resembles the password'
  return failed && !EMAIL.test(typed.username) ? 'not an email address' : undefined
}

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

/** Whether the username contains the password or the other way round. */
export function resemblesPassword({ username, password = '', resemblesPassword: known }: TypedName): boolean {
  if (known !== undefined) return known
  const [name, secret] = [bare(username), bare(password)]
  return name !== '' && secret !== '' && (name.includes(secret) || secret.includes(name))
}

/** Ignores spaces and case, as in a mistyped password. */
const bare = (text: string) => text.toLowerCase().replace(/\s/g, '')
