/** Users of the emulated tenant. */
export const users = [
  { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' },
  { email: 'grace@example.com', password: 'easier to ask forgiveness', name: 'Grace Hopper' },
  { email: 'otp@example.com', password: 'second factor', name: 'Olivia Tran', mfa: true },
]
