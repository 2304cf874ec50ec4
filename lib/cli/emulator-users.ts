import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigurationError } from '../errors.js'
import { checkOptions } from '../testing/check-options.js'
import type { EmulatorOptions, EmulatorUser } from '../testing/emulator.js'
import { emulatorSchema } from '../testing/emulator/schemas.js'
import { UsageError } from './terminal.js'

/** Each default user shows a different login outcome. */
export const EXAMPLE_USERS: EmulatorUser[] = [
  { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' },
  { email: 'mfa@example.com', password: 'second factor', name: 'Olivia Tran', mfa: { factors: [{ type: 'sms' }] } },
  { email: 'blocked@example.com', password: 'locked out', name: 'Bob Blocked', blocked: true },
  { email: 'leaked@example.com', password: 'password123', name: 'Lea Keller', leaked: true },
]

/** Parses `email:password`. The password may contain colons. */
export function userOf(written: string): EmulatorUser {
  const at = written.indexOf(':')
  const [email, password] = [written.slice(0, at), written.slice(at + 1)]
  if (at < 1 || password === '') throw new UsageError('--user takes email:password')
  return { email, password }
}

/** A list of users, or an object of emulator options. */
export function readUsersFile(path: string, folder: string): EmulatorOptions {
  const read = readJson(path, folder)
  const options = Array.isArray(read) ? { users: read as EmulatorUser[] } : read
  try {
    checkOptions(path, emulatorSchema, options)
  } catch (err) {
    throw err instanceof ConfigurationError ? new UsageError(`--users: ${err.message}`) : err
  }
  return options as EmulatorOptions
}

function readJson(path: string, folder: string): unknown {
  try {
    return JSON.parse(readFileSync(resolve(folder, path), 'utf8'))
  } catch {
    throw new UsageError(`--users: ${path} cannot be read as JSON`)
  }
}
