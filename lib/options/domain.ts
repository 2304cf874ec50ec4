const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

const PLACEHOLDER = /[<>{}$%]|^your[-_ ]?(auth0[-_ ]?)?(domain|tenant)/i

const ENDPOINT = new RegExp(
  '/(oauth/(token|revoke|par|device/code)|authorize|userinfo|login|oidc/(logout|register)|v2/logout|api/v2' +
    '|(\\.well-known|u/login|dbconnections|mfa|protocol/openid-connect)(/.*)?)$',
  'i',
)

const EXAMPLE = 'tenant.eu.auth0.com'

/** Returns what is wrong with a domain. */
export function domainProblem(domain: string): string | undefined {
  if (/["'`\u2018-\u201f\u00ab\u00bb]/.test(domain)) {
    return 'contains quotes: remove them (some tools, such as docker --env-file, do not strip quotes)'
  }
  if (PLACEHOLDER.test(domain.replace(/^\w+:\/\//, ''))) {
    return 'is still a placeholder: copy the value from the Auth0 Dashboard, Applications > your application > Settings'
  }
  if (/\s/.test(domain) || !URL.canParse(urlOf(domain))) {
    return `must be a host name such as ${EXAMPLE}, or an issuer URL`
  }
  return issuerProblem(issuerOf(domain))
}

/** The issuer of a valid domain. */
export function issuerOf(domain: string): URL {
  return new URL(urlOf(domain))
}

const urlOf = (domain: string) => (domain.includes('://') ? domain : `https://${domain}`)

function issuerProblem(issuer: URL): string | undefined {
  if (!/^https?:$/.test(issuer.protocol)) return 'must use https:'
  if (issuer.username || issuer.password || issuer.search || issuer.hash) {
    return `must not contain credentials, a query or a fragment: use the host name alone, such as ${EXAMPLE}`
  }
  return hostProblem(issuer) ?? pathProblem(issuer)
}

function hostProblem({ protocol, hostname }: URL): string | undefined {
  const isLoopback = LOOPBACK.test(hostname)
  if (!isLoopback && !/^\[|[^.]\.[^.]/.test(hostname)) {
    return `has no dot in its host name: use the full domain, such as ${EXAMPLE}`
  }
  if (protocol === 'http:' && !isLoopback) return 'uses http:, which is allowed only for loopback hosts: use https:'
  return /^[a-z0-9._-]+$|^\[/.test(hostname) ? undefined : `must be a host name such as ${EXAMPLE}, or an issuer URL`
}

function pathProblem({ pathname }: URL): string | undefined {
  if (!ENDPOINT.test(pathname.replace(/\/+$/, ''))) return undefined
  return `ends with an endpoint path such as /oauth/token: use the host name alone, such as ${EXAMPLE}`
}
