/** An origin that no app has. A target that resolves to another origin leaves the app. */
const HERE = 'http://return-to.invalid'

/** Characters that URL parsers and browsers drop or treat as a slash. */
const DECEPTIVE = /[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** Maximum levels of encoding to check, because proxies may decode the path. */
const MOST_DECODINGS = 3

/** Characters, before and after encoding. */
const LIMIT = 2048

/** A path in this app as a redirect target, or else the fallback. Parsed rather than matched by prefix. */
export function returnTarget(wanted: unknown, fallback = '/'): string {
  if (typeof wanted !== 'string' || wanted.length > LIMIT || !isPath(wanted)) return fallback
  const { pathname, search, hash } = new URL(wanted, HERE)
  const target = `${pathname}${search}${hash}`
  return target.length > LIMIT ? fallback : target
}

function isPath(wanted: string): boolean {
  return isHere(wanted) && decodings(new URL(wanted, HERE).pathname).every(isHere)
}

/** Whether all parsers resolve the path to this origin, even after Unicode normalization. */
function isHere(path: string): boolean {
  return [path, path.normalize('NFKC')].every((text) => {
    if (!text.startsWith('/') || DECEPTIVE.test(text) || !URL.canParse(text, HERE)) return false
    const { origin, pathname } = new URL(text, HERE)
    return origin === HERE && !pathname.startsWith('//')
  })
}

/** The path, and its repeated decodings. */
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
