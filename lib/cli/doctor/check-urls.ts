import { beginInteractive, logoutUrl } from '../../auth0/interactive.js'
import type { GrantParts } from '../../auth0/verified-grant.js'
import { fault, ok, TENANT, type Finding } from './finding.js'

/** Checks the interactive login URLs. Auth0 shows an error page instead of redirecting to a URL that is not allowed. */
export async function checkUrls(parts: GrantParts, mount: string): Promise<Finding[]> {
  const { interactive, pages } = parts.config
  if (!interactive) return []
  const callback = `${interactive.origin}${mount.replace(/\/+$/, '')}/callback`
  return [
    await checkCallback(parts, callback),
    await checkLogout(parts, `${interactive.origin}${pages?.afterLogout ?? '/'}`),
  ]
}

/** With `prompt=none`, Auth0 redirects back immediately with an error, because nobody is logged in. */
async function checkCallback(parts: GrantParts, redirectUri: string): Promise<Finding> {
  const { url } = await beginInteractive(parts, { redirectUri, prompt: 'none' })
  const target = await redirectOf(parts, url)
  if (!target.location?.startsWith(redirectUri)) {
    return fault(TENANT.callback, `Auth0 does not accept ${redirectUri}: add it to Allowed Callback URLs`)
  }
  const error = new URL(target.location).searchParams.get('error') ?? ''
  if (/^(login|interaction|consent|account_selection)_required$/.test(error)) return ok(TENANT.callback, redirectUri)
  if (error === 'unauthorized_client') {
    return fault(
      { ...TENANT.grant, check: 'authorization code grant' },
      'Authorization Code is off for this application: turn it on under Advanced Settings > Grant Types',
    )
  }
  return fault(
    TENANT.callback,
    `Auth0 refuses the login with ${error.slice(0, 50)}: see Monitoring > Logs in the Dashboard`,
  )
}

async function checkLogout(parts: GrantParts, returnTo: string): Promise<Finding> {
  const url = await logoutUrl(parts, { returnTo, sid: undefined, federated: false })
  const { status } = await redirectOf(parts, url)
  if (status < 400) return ok(TENANT.logout, returnTo)
  return fault(TENANT.logout, `Auth0 does not accept ${returnTo}: add it to Allowed Logout URLs`)
}

interface Redirect {
  status: number
  location: string | undefined
}

/** The HTTP client does not follow redirects. */
async function redirectOf({ client }: GrantParts, url: string): Promise<Redirect> {
  try {
    const { status, headers } = await client.fetch(url)
    return { status, location: headers.get('location') ?? undefined }
  } catch {
    return { status: 599, location: undefined }
  }
}
