import { describe, expect, it } from '@jest/globals'
import { anchors, prose, readPage, section } from '../support/markdown.ts'

/** Symptom -> section that explains it -> settings and causes named in its first sentence. */
const SYMPTOMS: [symptom: string, link: string, named: string[]][] = [
  ['429 for the whole office', 'troubleshooting.md#429-for-the-whole-office', ['`rateLimit.subnet`', 'raise it']],
  [
    'app.use() requires a middleware function',
    'troubleshooting.md#the-app-does-not-start-requires-a-middleware-function-argument-callback-is-required',
    ["app.use('/api/auth', auth.router)", 'not `auth`', '`auth.router()`'],
  ],
  [
    'AuthError as an HTML page',
    'troubleshooting.md#autherror-as-an-html-page-or-the-process-ends-with-it',
    ['`getAccessToken()`', 'no error handler', 'add'],
  ],
  ['401 after a good login', 'troubleshooting.md#401-after-a-good-login', ['cookie', 'store', 'change']],
  [
    'logged out after a day',
    'troubleshooting.md#users-are-logged-out-after-a-day',
    ['`session.idleTimeout`', 'raise it'],
  ],
  [
    'Use HTTPS behind a proxy',
    'troubleshooting.md#use-https-behind-a-proxy-400-https_required',
    ['proxy terminates HTTPS', '`trust proxy`'],
  ],
  [
    'login works with curl and not in the browser',
    'troubleshooting.md#login-works-with-curl-but-not-in-the-browser',
    ['another origin', '`allowedOrigins`', "`credentials: 'include'`"],
  ],
  [
    'everybody logged out after a deploy',
    'troubleshooting.md#everybody-is-logged-out-after-a-deployment',
    ['secret', '`session.prefix`', 'restore the old value'],
  ],
  [
    '403 from another origin',
    'troubleshooting.md#403-from-another-origin-cross_site_request',
    ['not allowed', '`allowedOrigins`', 'CORS headers'],
  ],
  [
    '503 on each request',
    'troubleshooting.md#503-on-every-request-session_unavailable',
    ['Redis did not respond', '`redis` option'],
  ],
  [
    'Redis evicts sessions',
    'troubleshooting.md#redis-evicts-sessions',
    ['deletes sessions', 'logged out', '`maxmemory-policy noeviction`'],
  ],
  [
    'user has no permissions, scope empty',
    'troubleshooting.md#the-user-has-no-permissions-or-the-scope-is-empty',
    ['access tokens for an API', '`audience` option', '`scope` option'],
  ],
  [
    'refresh does not happen, tokens expire',
    'troubleshooting.md#access-tokens-expire-and-are-not-refreshed-401-reauthentication_required',
    ['no refresh token', '`remember_me`', '`offline_access`'],
  ],
  [
    'unauthorized_client or access_denied from Auth0',
    'troubleshooting.md#unauthorized_client-or-access_denied-from-auth0',
    ['rejected the application', 'turn on the grant', 'client secret'],
  ],
  [
    'MFA asked although never set up',
    'troubleshooting.md#a-second-factor-is-required-but-the-user-never-set-one-up',
    ['requires MFA for everybody', '`POST /mfa/enroll`'],
  ],
]

describe('docs/troubleshooting.md', () => {
  it.each(SYMPTOMS)('explains cause and fix in one sentence: %s', (_symptom, link, named) => {
    const sentence = firstSentence(link)
    expect(named.filter((text) => !sentence.includes(text))).toEqual([])
  })
})

/** The first sentence below the heading that a link points to. */
function firstSentence(link: string): string {
  const [name = '', anchor = ''] = link.split('#')
  const page = readPage(`docs/${name}`)
  const headings = Array.from(prose(page).matchAll(/^#+ (.*)$/gm), ([, heading = '']) => heading)
  const heading = headings[anchors(page).indexOf(anchor)]
  if (heading === undefined) throw new Error(`${link} leads nowhere`)
  const [, paragraph = ''] = section(page, heading).split(/\n\n+/)
  return (
    paragraph
      .replaceAll('\n', ' ')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .split(/\.(?:\s|$)/)[0] ?? ''
  )
}
