import type { ConfigurationError } from '../../errors.js'

/** The problems that one error lists. */
export function problemsOf({ message }: ConfigurationError): string[] {
  const [first = '', ...listed] = message.split('\n  - ')
  return listed.length > 0 ? listed : [first]
}
