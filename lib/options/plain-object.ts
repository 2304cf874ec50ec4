export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** Detects object literals, also those of another realm, as in test runners. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isObject(value) || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A copy without the members that are undefined. */
export function defined(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined))
}

/** The member at a path such as `session.secret`. */
export function valueAt(options: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), options)
}

/** A copy with a new value at a path. */
export function withValue(options: unknown, path: string, value: unknown): Record<string, unknown> {
  const [key = '', ...rest] = path.split('.')
  const holder = isPlain(options) ? options : {}
  return { ...holder, [key]: rest.length > 0 ? withValue(holder[key], rest.join('.'), value) : value }
}
