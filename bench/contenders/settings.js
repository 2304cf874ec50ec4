/** What the harness tells every contender. */
export const settings = {
  redisUrl: process.env.BENCH_REDIS_URL ?? '',
  /** With the slash at the end that belongs to Auth0's issuer. */
  issuer: process.env.BENCH_ISSUER ?? '',
  /** Host name of the same tenant for peers that insist on https; it exists only in {@link fetchFromStub}. */
  httpsDomain: process.env.BENCH_HTTPS_DOMAIN ?? '',
  httpsBase: process.env.BENCH_HTTPS_BASE ?? '',
  clientId: 'bench-client',
  clientSecret: 'bench-client-secret',
  sessionSecret: process.env.BENCH_SESSION_SECRET ?? '',
  scope: 'openid profile email offline_access',
  variant: process.argv.slice(2),
}

/** A day, as ours. */
export const IDLE_SECONDS = 86_400

/** For peers that insist on https: the same requests, to the loopback stub. */
export function fetchFromStub(url, init) {
  return fetch(String(url).replace(`https://${settings.httpsDomain}`, settings.httpsBase), init)
}

/** What a contender shows of an access token that it has, for the harness to check. */
export function tailOf(accessToken) {
  return accessToken.slice(-24)
}
