import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { EmulatorOptions, EmulatorUser } from '../testing/emulator.js'
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

const user = z.looseObject({ email: z.string().min(1), password: z.string().min(1) })
const file = z.union([z.array(user), z.looseObject({ users: z.array(user).optional() })])

/** Accepts a list of users or an object of emulator options. */
export function readUsersFile(path: string, folder: string): EmulatorOptions {
  const parsed = file.safeParse(readJson(path, folder))
  if (!parsed.success) {
    throw new UsageError(`--users: ${path} must contain a list of users with email and password, or { "users": [...] }`)
  }
  return (Array.isArray(parsed.data) ? { users: parsed.data } : parsed.data) as unknown as EmulatorOptions
}

function readJson(path: string, folder: string): unknown {
  try {
    return JSON.parse(readFileSync(resolve(folder, path), 'utf8'))
  } catch {
    throw new UsageError(`--users: ${path} cannot be read as JSON`)
  }
}
