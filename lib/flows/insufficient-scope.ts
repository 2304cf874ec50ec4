import { AuthError } from '../errors.js'

/** The requested scopes that were not granted. */
export function lacking(granted: string, asked: string): string[] {
  const names = granted.split(' ')
  return asked.split(' ').filter((name) => name !== '' && !names.includes(name))
}

/** 403 with the requested scopes. Its detail names those that Auth0 did not grant. */
export function insufficientScope(asked: string, missing: readonly string[]): AuthError {
  return new AuthError('insufficient_scope', { detail: notGranted(missing), body: { scope: asked } })
}

function notGranted(missing: readonly string[]): string {
  return (
    `Auth0 did not grant ${missing.join(', ')}: check that the audience names the API that has this scope, that the API lists ` +
    'it under Applications > APIs > your API > Permissions, and if the API uses RBAC, that a role of the user has it'
  )
}
