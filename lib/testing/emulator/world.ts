import type { AttackProtection } from './attack-protection.js'
import type { BrowserLogins } from './browser-logins.js'
import type { ClientAuthentication } from './client-authentication.js'
import type { PasswordReset } from './database-types.js'
import type { SigningParts } from './logout-tokens.js'
import type { MfaWorld } from './mfa-world.js'
import type { RefreshFamilies } from './refresh-families.js'
import type { RequestBuckets } from './request-buckets.js'
import type { TokenMinter } from './token-minter.js'
import type { EmulatorTenant } from './types.js'
import type { UserDirectory } from './users.js'

/** State of the emulated tenant. */
export interface World {
  issuer: string
  signing: SigningParts
  browser: BrowserLogins
  buckets: RequestBuckets
  resets: PasswordReset[]
  tenant: EmulatorTenant
  users: UserDirectory
  client: ClientAuthentication
  attacks: AttackProtection
  families: RefreshFamilies
  minter: TokenMinter
  mfa: MfaWorld
}
