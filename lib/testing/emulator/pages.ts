import type { Answer } from './answer.js'

interface LoginPage {
  /** Identifies the pending login. */
  state: string
  /** The submitted name, or the `login_hint`. */
  username: string
  problem?: string
}

/** Login page: one form that works without JavaScript. */
export function loginPage({ state, username, problem }: LoginPage): string {
  const invalid = problem === undefined ? '' : ' aria-invalid="true" aria-describedby="problem"'
  return page(
    'Log in',
    `${problem === undefined ? '' : `<p id="problem" role="alert">${escapeHtml(problem)}</p>`}
<form method="post" action="/u/login">
<input type="hidden" name="state" value="${escapeHtml(state)}">
<p><label for="username">Email address or username</label><br>
<input id="username" name="username" autocomplete="username" required value="${escapeHtml(username)}"${invalid}></p>
<p><label for="password">Password</label><br>
<input id="password" name="password" type="password" autocomplete="current-password" required${invalid}></p>
<p><button type="submit">Log in</button></p>
</form>`,
  )
}

export function logoutPrompt(params: Readonly<Record<string, string>>): string {
  const fields = Object.entries({ ...params, confirmed: 'yes' }).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  return page(
    'Log out',
    `<p>Do you want to log out?</p>
<form method="post" action="/oidc/logout">
${fields.join('\n')}
<p><button type="submit">Yes</button></p>
</form>`,
  )
}

export function messagePage(message: string): string {
  return page(message, '')
}

/** Shown if the error cannot be reported to the application because its URL is not trusted. */
export function errorPage(status: number, problem: string): Answer {
  return { status, body: page('Something went wrong', `<p role="alert">${escapeHtml(problem)}</p>`) }
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
