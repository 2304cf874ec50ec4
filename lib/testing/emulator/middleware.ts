import type { Provider } from 'oidc-provider'

/** Koa middleware that runs before oidc-provider's own. */
export type Middleware = Parameters<Provider['use']>[0]
