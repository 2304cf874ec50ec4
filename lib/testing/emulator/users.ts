import { createHash } from 'node:crypto'
import { DEFAULT_CONNECTION } from './tenant.js'
import type { EmulatorUser, EmulatorUserChanges, StoredUser } from './types.js'

/** Accounts of the tenant. The same email address may exist in each connection. */
export class UserDirectory {
  readonly #bySub = new Map<string, StoredUser>()

  constructor(users: EmulatorUser[]) {
    for (const user of users) this.add(user)
  }

  add(user: EmulatorUser): StoredUser {
    const connection = user.connection ?? DEFAULT_CONNECTION
    const stored = { ...user, connection, sub: user.sub ?? stableSub(connection, user.email) }
    this.#bySub.set(stored.sub, stored)
    return stored
  }

  update(email: string, changes: EmulatorUserChanges): StoredUser {
    const user = this.get(email)
    if (!user) throw new Error(`the emulator has no user ${email}`)
    this.#bySub.delete(user.sub)
    const changed = Object.entries({ ...user, ...changes }).filter(([, value]) => value !== undefined)
    return this.add(Object.fromEntries(changed) as unknown as EmulatorUser)
  }

  remove(email: string): void {
    for (const user of this.#bySub.values()) if (isAccount(user, email)) this.#bySub.delete(user.sub)
  }

  get(email: string): StoredUser | undefined {
    return this.#find((user) => isAccount(user, email))
  }

  findBySub(sub: string): StoredUser | undefined {
    return this.#bySub.get(sub)
  }

  findAccount(connection: string, identifier: string): StoredUser | undefined {
    return this.#find((user) => user.connection === connection && isAccount(user, identifier))
  }

  #find(matches: (user: StoredUser) => boolean): StoredUser | undefined {
    return [...this.#bySub.values()].find(matches)
  }
}

function isAccount(user: EmulatorUser, identifier: string): boolean {
  return [user.email, user.username].some((known) => known?.toLowerCase() === identifier.toLowerCase())
}

function stableSub(connection: string, email: string): string {
  const digest = createHash('sha256').update(`${connection}\n${email.toLowerCase()}`).digest('hex')
  return `auth0|${digest.slice(0, 24)}`
}
