import type { Auth0Emulator, EmulatorUser } from '../testing/emulator.js'

const EVERY = 200

/** Prints the codes that the emulator sends. Returns a function that stops it. */
export function watchCodes(
  { mfa, requests }: Auth0Emulator,
  users: readonly EmulatorUser[],
  print: (text: string) => void,
): () => void {
  const withFactors = new Set(users.filter(({ mfa }) => mfa).map(({ email }) => email))
  let [sent, seen] = [0, 0]
  const look = () => {
    for (const { channel, email, code } of mfa.sent.slice(sent)) print(`# Code by ${channel} for ${email}: ${code}\n`)
    sent = mfa.sent.length
    for (const { grantType, params } of requests.slice(seen)) {
      const email = String(params.username)
      if (grantType?.includes('password') && withFactors.has(email)) print(appCode(mfa, email))
    }
    seen = requests.length
  }
  const timer = setInterval(look, EVERY)
  return () => clearInterval(timer)
}

/** Empty for a user without an authenticator app. */
function appCode(mfa: Auth0Emulator['mfa'], email: string): string {
  try {
    return `# Code in the authenticator app of ${email}: ${mfa.code(email)}\n`
  } catch {
    return ''
  }
}
