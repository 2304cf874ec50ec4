import type { PasswordPolicy } from './database-types.js'

/** A rule as Auth0 reports it. `format` holds the values for the placeholders in `message`, in order. */
interface Rule {
  code: string
  message: string
  format?: (number | string)[]
  items?: Rule[]
  verified: boolean
}

const KINDS: readonly (readonly [code: string, message: string, pattern: RegExp])[] = [
  ['lowerCase', 'lower case letters (a-z)', /[a-z]/],
  ['upperCase', 'upper case letters (A-Z)', /[A-Z]/],
  ['numbers', 'numbers (i.e. 0-9)', /[0-9]/],
  ['specialCharacters', 'special characters (e.g. !@#$%^&*)', /[^a-zA-Z0-9]/],
]

const LENGTHS = { none: 1, low: 6, fair: 8, good: 8, excellent: 10 } as const

/** The body of Auth0's refusal, or undefined if the password is acceptable. */
export function weakPassword(policy: PasswordPolicy, password: string): Record<string, unknown> | undefined {
  const rules = rulesOf(policy, password)
  if (rules.every(({ verified }) => verified)) return undefined
  return {
    name: 'PasswordStrengthError',
    message: 'Password is too weak',
    code: 'invalid_password',
    description: { rules, verified: false },
    policy: rules.flatMap((rule) => policyLines(rule, '* ')).join('\n'),
    statusCode: 400,
  }
}

function rulesOf({ level = 'good', minLength }: PasswordPolicy, password: string): Rule[] {
  if (level === 'none' && minLength === undefined) return [nonEmpty(password)]
  const length = lengthAtLeast(password, minLength ?? LENGTHS[level])
  if (level === 'fair') return [length, shouldContain(password)]
  if (level === 'good') return [length, containsAtLeast(password)]
  return level === 'excellent' ? [length, containsAtLeast(password), identicalChars(password)] : [length]
}

function nonEmpty(password: string): Rule {
  return { code: 'nonEmpty', message: 'Non-empty password required', verified: password !== '' }
}

function lengthAtLeast(password: string, length: number): Rule {
  const verified = password.length >= length
  return { code: 'lengthAtLeast', message: 'At least %d characters in length', format: [length], verified }
}

function kindsIn(password: string, wanted = KINDS): Rule[] {
  return wanted.map(([code, message, pattern]) => ({ code, message, verified: pattern.test(password) }))
}

function shouldContain(password: string): Rule {
  const items = kindsIn(password, KINDS.slice(0, 3))
  return { code: 'shouldContain', message: 'Should contain:', items, verified: items.every(({ verified }) => verified) }
}

function containsAtLeast(password: string): Rule {
  const items = kindsIn(password)
  return {
    code: 'containsAtLeast',
    message: 'Contain at least %d of the following %d types of characters:',
    format: [3, 4],
    items,
    verified: items.filter(({ verified }) => verified).length >= 3,
  }
}

function identicalChars(password: string): Rule {
  return {
    code: 'identicalChars',
    message: 'No more than %d identical characters in a row (e.g., "%s" not allowed)',
    format: [2, 'aaa'],
    verified: !/(.)\1\1/su.test(password),
  }
}

function policyLines({ message, format = [], items = [] }: Rule, mark: string): string[] {
  const rest = [...format]
  const filled = message.replace(/%[ds]/g, () => String(rest.shift()))
  return [mark + filled, ...items.flatMap((item) => policyLines(item, `  ${mark}`))]
}
