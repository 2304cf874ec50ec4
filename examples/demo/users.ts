import type { EmulatorUser } from 'express-auth0-ropg/testing'

interface DemoUser extends EmulatorUser {
  /** What happens when the user logs in. */
  shows: string
}

export const users: DemoUser[] = [
  {
    ...{ email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' },
    shows: 'Logs in',
  },
  {
    ...{ email: 'otp@example.com', password: 'second factor', name: 'Olivia Tran' },
    mfa: { factors: [{ type: 'otp' }, { type: 'recovery-code' }] },
    shows: 'Authenticator app, recovery code',
  },
  {
    ...{ email: 'sms@example.com', password: 'second factor', name: 'Sam Messenger' },
    mfa: { factors: [{ type: 'sms' }] },
    shows: 'Code by text message',
  },
  {
    ...{ email: 'push@example.com', password: 'second factor', name: 'Paula Nowak' },
    mfa: { factors: [{ type: 'push' }] },
    shows: 'Push notification',
  },
  {
    ...{ email: 'enroll@example.com', password: 'second factor', name: 'Eric Newman' },
    mfa: { factors: [] },
    shows: 'Has to set up a second factor',
  },
  {
    ...{ email: 'captcha@example.com', password: 'not a robot', name: 'Cleo Park', requiresVerification: true },
    shows: 'Continues on the Auth0 page',
  },
  {
    ...{ email: 'blocked@example.com', password: 'locked out', name: 'Bob Blocked', blocked: true },
    shows: 'Account is blocked',
  },
  {
    ...{ email: 'leaked@example.com', password: 'password123', name: 'Lea Keller', leaked: true },
    shows: 'Password is in a data breach',
  },
]

/** As the emulator takes them. */
export const tenantUsers: EmulatorUser[] = users.map(({ shows: _shows, ...user }) => user)
