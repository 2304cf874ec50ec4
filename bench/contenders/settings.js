/** Settings that the harness passes to every contender. */
export const settings = {
  redisUrl: process.env.BENCH_REDIS_URL ?? '',
  /** With the trailing slash of Auth0's issuer. */
  issuer: process.env.BENCH_ISSUER ?? '',
  /** Hostname of the same tenant for peers that require https. It exists only in {@link fetchFromStub}. */
  httpsDomain: process.env.BENCH_HTTPS_DOMAIN ?? '',
  httpsBase: process.env.BENCH_HTTPS_BASE ?? '',
  clientId: 'bench-client',
  clientSecret: 'bench-client-secret',
  sessionSecret: process.env.BENCH_SESSION_SECRET ?? '',
  scope: 'openid profile email offline_access',
  variant: process.argv.slice(2),
}

/** One day, as in our package. */
export const IDLE_SECONDS = 86_400

/** Sends requests of peers that require https to the loopback stub. */
export function fetchFromStub(url, init) {
  return fetch(String(url).replace(`https://${settings.httpsDomain}`, settings.httpsBase), init)
}

/** A fingerprint of the access token, which the harness checks. */
export function tailOf(accessToken) {
  return accessToken.slice(-24)
}
