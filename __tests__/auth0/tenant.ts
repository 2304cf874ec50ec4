import { inspect } from 'node:util'
import { afterEach, expect } from '@jest/globals'
import { createAuth0Client } from '../../lib/auth0/client.ts'
import { createVerifySignature } from '../../lib/auth0/id-token.ts'
import { createTenantKeys } from '../../lib/auth0/tenant-keys.ts'
import { AuthError, type RopgAuthOptions, type Seams } from '../../lib/index.ts'
import { resolveOptions } from '../../lib/options/resolve-options.ts'
import { startAuth0Emulator, type EmulatorOptions } from '../../lib/testing/index.ts'
import { secret } from '../support/app.ts'

const running: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()))
})

export interface TenantSettings {
  emulator?: EmulatorOptions
  options?: RopgAuthOptions
  seams?: Seams
}

/** Dependencies of the functions in lib/auth0, and their tenant. Both are closed after the test. */
export async function startTenant({ emulator: tenant = {}, options = {}, seams = {} }: TenantSettings = {}) {
  const emulator = await startAuth0Emulator(tenant)
  const { domain, clientId, clientSecret } = emulator
  const usual = { domain, clientId, clientSecret, session: { secret }, logger: false } as const
  const config = resolveOptions({ ...usual, ...options }, { testClock: () => emulator.clock.now(), ...seams })
  const client = createAuth0Client(config)
  const keys = createTenantKeys(client, config)
  running.push(async () => {
    await client.close()
    await emulator.close()
  })
  return { emulator, config, client, keys, verify: createVerifySignature(client, config, keys) }
}

/** Returns the error of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<AuthError> {
  const err: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(err).toBeInstanceOf(AuthError)
  return err as AuthError
}

/** Everything that an error can print. */
export function shownBy(err: AuthError): string {
  return [
    inspect(err, { showHidden: true, depth: 9 }),
    JSON.stringify(err),
    err.stack,
    err.detail,
    inspect(err.auth0),
  ].join()
}
