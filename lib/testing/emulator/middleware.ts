import type { Provider } from 'oidc-provider'

/** A Koa middleware in front of oidc-provider's own. */
export type Middleware = Parameters<Provider['use']>[0]
