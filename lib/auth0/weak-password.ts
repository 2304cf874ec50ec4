/** A rule of the tenant's password policy. */
export interface PasswordRule {
  code: string
  /** Text to show to the user. */
  message: string
  /** Whether the password satisfies it. */
  verified: boolean
  /** Sub-rules, such as the required kinds of characters. */
  items?: PasswordRule[]
}

/** Public members of a `weak_password` error. */
export interface WeakPassword {
  /** Requirements for the password, as lines of text. */
  policy?: string
  rules?: PasswordRule[]
}

const POLICY_LIMIT = 2000
const TEXT_LIMIT = 200
const MOST_RULES = 20
/** A shorter secret could occur in any sentence by chance. */
const SHORTEST_ECHO = 8

/** Reads the rules or the sentence that Auth0 returned. Omits text that repeats a secret. */
export function readWeakPassword(body: unknown, secrets: readonly (string | undefined)[]): WeakPassword {
  const { policy, description, message } = Object(body) as Record<string, unknown>
  const isEcho = (text: string) =>
    secrets.some((secret = '') => secret.length >= SHORTEST_ECHO && text.includes(secret))
  const texts = [policy, description, message].filter((value) => typeof value === 'string')
  const text = texts.find((value) => value !== '' && !isEcho(value))
  const { rules } = Object(description) as { rules?: unknown }
  const listed = readRules(rules).filter((rule) => !isEcho(JSON.stringify(rule)))
  return {
    ...(text !== undefined && { policy: text.slice(0, POLICY_LIMIT) }),
    ...(listed.length > 0 && { rules: listed }),
  }
}

function readRules(rules: unknown): PasswordRule[] {
  return listOf(rules).flatMap((rule) => {
    const items = listOf((Object(rule) as { items?: unknown }).items).flatMap(readRule)
    return readRule(rule).map((read) => (items.length > 0 ? { ...read, items } : read))
  })
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, MOST_RULES) : []
}

function readRule(rule: unknown): PasswordRule[] {
  const { code, message, format, verified } = Object(rule) as Record<string, unknown>
  if (typeof code !== 'string' || typeof message !== 'string') return []
  const text = fill(message, listOf(format)).slice(0, TEXT_LIMIT)
  return [{ code: code.slice(0, TEXT_LIMIT), message: text, verified: verified === true }]
}

/** Puts the values in place of `%d` and `%s`, in order. */
function fill(message: string, values: unknown[]): string {
  const rest = values.filter((value) => typeof value === 'string' || typeof value === 'number')
  return message.replace(/%[ds]/g, (mark) => String(rest.shift() ?? mark))
}
