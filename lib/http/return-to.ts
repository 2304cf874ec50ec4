/** Any origin that no app has: what resolves to another one leaves the app. */
const HERE = 'http://return-to.invalid'

/** A character that URL parsers and browsers drop or read as a slash. */
const DECEPTIVE = /[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** Times that a target may be encoded: proxies decode some of what they pass on. */
const MOST_DECODINGS = 3

/** Characters, before and after encoding. */
const LIMIT = 2048

/** A path of this app as a redirect target. Anything else falls back: never matched by a prefix, always parsed. */
export function returnTarget(wanted: unknown, fallback = '/'): string {
  if (typeof wanted !== 'string' || wanted.length > LIMIT || !isPath(wanted)) return fallback
  const { pathname, search, hash } = new URL(wanted, HERE)
  const target = `${pathname}${search}${hash}`
  return target.length > LIMIT ? fallback : target
}

function isPath(wanted: string): boolean {
  return isHere(wanted) && decodings(new URL(wanted, HERE).pathname).every(isHere)
}

/** Whether every parser finds a path of this origin, also after dots are resolved and look-alikes replaced. */
function isHere(path: string): boolean {
  return [path, path.normalize('NFKC')].every((text) => {
    if (!text.startsWith('/') || DECEPTIVE.test(text) || !URL.canParse(text, HERE)) return false
    const { origin, pathname } = new URL(text, HERE)
    return origin === HERE && !pathname.startsWith('//')
  })
}

/** What a path may become on its way: as it is, and decoded repeatedly. */
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
