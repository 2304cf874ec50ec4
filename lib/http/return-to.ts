/** Any origin that no app has: what resolves to another one leaves the app. */
const HERE = 'http://return-to.invalid'

/** A character that URL parsers and browsers drop or read as a slash. */
const DECEPTIVE = /[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** Times that a target may be encoded: proxies decode some of what they pass on. */
const MOST_DECODINGS = 3

/** A path of this app as a redirect target. Anything else falls back: never matched by a prefix, always parsed. */
export function returnTarget(wanted: unknown, fallback = '/'): string {
  if (typeof wanted !== 'string' || wanted.length > 2048 || !isPath(wanted)) return fallback
  const { pathname, search, hash } = new URL(wanted, HERE)
  return `${pathname}${search}${hash}`
}

function isPath(wanted: string): boolean {
  if (!wanted.startsWith('/') || DECEPTIVE.test(wanted)) return false
  if (!URL.canParse(wanted, HERE) || new URL(wanted, HERE).origin !== HERE) return false
  const { pathname } = new URL(wanted, HERE)
  return decodings(pathname).every((path) => !path.startsWith('//') && !DECEPTIVE.test(path))
}

/** What a path may turn into on its way: as it is, and decoded while it can be. */
function decodings(path: string): string[] {
  const found = [path]
  for (let times = 0; times < MOST_DECODINGS; times++) {
    try {
      found.push(decodeURIComponent(found.at(-1) ?? ''))
    } catch {
      break
    }
  }
  return found
}
