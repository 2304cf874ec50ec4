import type { ConfigurationError } from '../../errors.js'

/** The problems listed in one error. */
export function problemsOf({ message }: ConfigurationError): string[] {
  const [first = '', ...listed] = message.split('\n  - ')
  return listed.length > 0 ? listed : [first]
}
