import { ConfigurationError } from '../errors.js'

export interface Proxies {
  httpProxy: string
  httpsProxy: string
  noProxy: string
}

/**
 * Reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY. As in curl, the lowercase variables take precedence.
 *
 * @throws ConfigurationError if a proxy is not a URL. It omits the value, which may contain a password.
 */
export function proxiesOf(env: NodeJS.ProcessEnv): Proxies {
  return {
    httpProxy: proxyIn(env, 'HTTP_PROXY'),
    httpsProxy: proxyIn(env, 'HTTPS_PROXY'),
    noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
  }
}

function proxyIn(env: NodeJS.ProcessEnv, upperCase: string): string {
  const lowerCase = upperCase.toLowerCase()
  const name = env[lowerCase] === undefined ? upperCase : lowerCase
  const value = env[name]?.trim()
  if (!value) return ''
  const url = value.includes('://') ? value : `http://${value}`
  if (!isProxyUrl(url)) throw new ConfigurationError(`${name} must be a URL such as http://proxy.example.com:3128`)
  return url
}

function isProxyUrl(text: string): boolean {
  try {
    const { protocol, username, password } = new URL(text)
    // undici decodes the credentials and throws on a stray percent sign.
    decodeURIComponent(username + password)
    return /^(https?|socks5?):$/.test(protocol)
  } catch {
    return false
  }
}
