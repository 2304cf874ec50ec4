/** `fault`: must be fixed. `note`: worth knowing, but not wrong. `skipped`: could not be checked. */
export type Status = 'ok' | 'fault' | 'note' | 'skipped'

/** Result of one check. */
export interface Finding {
  check: string
  status: Status
  message: string
  /** The option, environment variable, or Auth0 Dashboard setting to change. */
  setting?: string
}

/** Name of a check and the setting behind it. */
export interface Subject {
  check: string
  setting: string
}

export const ok = (subject: Subject, message: string): Finding => ({ ...subject, status: 'ok', message })
export const fault = (subject: Subject, message: string): Finding => ({ ...subject, status: 'fault', message })
export const note = (subject: Subject, message: string): Finding => ({ ...subject, status: 'note', message })
export const skipped = (subject: Subject, message: string): Finding => ({ ...subject, status: 'skipped', message })

const APPLICATION = 'Applications > your application'
const GRANT_TYPES = `${APPLICATION} > Settings > Advanced Settings > Grant Types`

export const TENANT = {
  discovery: { check: 'discovery', setting: `option domain (AUTH0_DOMAIN), ${APPLICATION} > Settings > Domain` },
  clock: { check: 'clock', setting: 'the clock of this machine' },
  keys: {
    check: 'signing keys',
    setting: `option idTokenSigningAlg, ${APPLICATION} > Settings > Advanced Settings > OAuth > JsonWebToken Signature Algorithm`,
  },
  client: {
    check: 'client',
    setting: `options clientId and clientSecret (AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET), ${APPLICATION} > Credentials`,
  },
  grant: { check: 'password grant', setting: `Password under ${GRANT_TYPES}` },
  otherGrant: { check: 'other password grant', setting: `Password under ${GRANT_TYPES}` },
  directory: {
    check: 'default directory',
    setting: 'Settings > General > API Authorization Settings > Default Directory, or the realm option',
  },
  realm: { check: 'realm', setting: 'option realm, Authentication > Database' },
  allowedRealms: { check: 'allowed realms', setting: 'option allowedRealms, Authentication > Database' },
  audience: { check: 'audience', setting: 'option audience, Applications > APIs > Identifier' },
  refresh: { check: 'refresh grant', setting: `Refresh Token under ${GRANT_TYPES}` },
  mfa: { check: 'MFA grants', setting: `option mfa, MFA under ${GRANT_TYPES}` },
  forwarded: {
    check: 'forwarded address',
    setting: `${APPLICATION} > Settings > Advanced Settings > OAuth > Trust Token Endpoint IP Header`,
  },
  login: { check: 'login', setting: 'DOCTOR_USERNAME and DOCTOR_PASSWORD' },
  scope: { check: 'scope', setting: 'option scope, Applications > APIs > your API > Permissions' },
  offline: {
    check: 'offline access',
    setting: `Applications > APIs > your API > Settings > Allow Offline Access, and Refresh Token under ${GRANT_TYPES}`,
  },
  callback: {
    check: 'callback URL',
    setting: `options interactive.baseUrl and --mount, ${APPLICATION} > Settings > Allowed Callback URLs`,
  },
  logout: { check: 'logout URL', setting: `${APPLICATION} > Settings > Allowed Logout URLs` },
} as const satisfies Record<string, Subject>
