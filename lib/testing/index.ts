export { startAuth0Emulator } from './emulator.js'
export { signIn } from './sign-in.js'

export type { Auth0Emulator, EmulatorOptions, EmulatorUser } from './emulator.js'
export type { CookieAgent, TestClaims, TestSession } from './sign-in.js'
