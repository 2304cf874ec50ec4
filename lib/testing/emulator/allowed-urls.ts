/** Matches any port, because tests listen on random ports. */
export const LOOPBACK_URLS = ['http://127.0.0.1:*', 'http://localhost:*']

const ANY_PORT = ':*'

/** Whether the list allows this URL, including its query. */
export function isAllowedUrl(url: string, allowed: readonly string[]): boolean {
  return URL.canParse(url) && allowed.some((entry) => entry === url || isOnHost(url, entry))
}

/** The first URL of a list, skipping any-port entries. */
export function firstUrl(allowed: readonly string[]): string | undefined {
  return allowed.find((entry) => !entry.endsWith(ANY_PORT))
}

export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}

function isOnHost(url: string, entry: string): boolean {
  if (!entry.endsWith(ANY_PORT)) return false
  const { protocol, hostname, username, password } = new URL(url)
  return `${protocol}//${hostname}${ANY_PORT}` === entry.toLowerCase() && username === '' && password === ''
}
