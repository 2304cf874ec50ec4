const SCRIPT_SCHEMES = ['javascript:', 'data:', 'vbscript:']

/** Returns what is wrong with a link (`loginUrl`). */
export function linkProblem(link: string): string | undefined {
  return isUsableLink(link)
    ? undefined
    : 'must be an http(s) URL, a path that starts with a single /, or an app link such as myapp://login'
}

function isUsableLink(link: string): boolean {
  // URL parsers drop tabs and newlines, which could hide a scheme.
  if (/[\s\p{Cc}\\]/u.test(link)) return false
  if (link.startsWith('/')) return !link.startsWith('//')
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(link) && URL.canParse(link) && !isScript(link)
}

const isScript = (link: string) => SCRIPT_SCHEMES.includes(new URL(link).protocol)

/** Returns what is wrong with an origin (`allowedOrigins`). */
export function originProblem(origin: string): string | undefined {
  if (origin === 'null') {
    return 'is null, which browsers send for all sandboxed pages and local files: list the origins of your apps instead'
  }
  if (origin.includes('*')) return 'contains a wildcard, which is not supported: list every origin in full'
  return isOrigin(origin)
    ? undefined
    : 'must be an origin as browsers send it, such as https://app.example.com or capacitor://localhost: lowercase, ' +
        'without a default port, a path or a trailing slash'
}

function isOrigin(origin: string): boolean {
  if (/^https?:/i.test(origin)) return URL.canParse(origin) && new URL(origin).origin === origin
  // For other schemes, the URL parser returns the origin "null".
  return /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(:\d+)?$/.test(origin) && !isScript(origin)
}

/** Returns what is wrong with the path of a page (`pages`). */
export function pageProblem(path: string): string | undefined {
  return path.startsWith('/') && isUsableLink(path) ? undefined : 'must be a path that starts with a single /'
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/

/** Returns what is wrong with the app's origin (`interactive.baseUrl`). */
export function baseUrlProblem(url: string): string | undefined {
  const { protocol, hostname, pathname, search, hash, username } = URL.canParse(url) ? new URL(url) : EMPTY
  const isSafe = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))
  return isSafe && pathname === '/' && !search && !hash && !username
    ? undefined
    : "must be the app's origin, such as https://app.example.com, without a path (http: for loopback hosts only)"
}

const EMPTY = { protocol: '', hostname: '', pathname: '', search: '', hash: '', username: '' }
