import { withQuery } from './browser.ts'
import { html, type Html } from './html.ts'
import { field, hidden, problemBox } from './layout.ts'
import { messageFor } from './messages.ts'
import { users } from './users.ts'

export interface Asked {
  error: string | undefined
  returnTo: string | undefined
  /** Test user whose credentials are filled in. */
  user?: string | undefined
}

/** `return_to` values for sign-up and password reset. The router redirects to the login page without a message. */
export const SIGNED_UP = '/?new=account'
export const RESET_SENT = '/?new=password'

const NEWS: Record<string, string> = {
  [SIGNED_UP]: 'Your account has been created. You can log in now.',
  [RESET_SENT]: 'If there is an account with this address, an email with a link is on its way.',
}

const WITH_RECOVERY = ['account_blocked', 'password_leaked', 'too_many_attempts']

export function loginMain({ error, returnTo, user }: Asked): Html {
  const { email, password } = users.find((one) => one.email === user) ?? {}
  const news = error === undefined ? NEWS[returnTo ?? ''] : undefined
  return html`<h1>Log in</h1>
    ${news !== undefined && html`<p class="news" role="status" tabindex="-1" autofocus>${news}</p>`}
    <form
      method="post"
      action="/api/auth/login"
      data-send
      data-busy="Logging in…"
      data-then="${returnTo ?? '/'}"
      id="login"
    >
      ${problemBox({ text: messageFor(error), link: wayOut(error, returnTo) })} ${hidden('return_to', returnTo)}
      ${field({ label: 'Email', name: 'email', type: 'email', autocomplete: 'username', value: email })}
      ${field({ label: 'Password', name: 'password', type: 'password', autocomplete: 'current-password', value: password })}
      <p class="check">
        <input id="remember_me" name="remember_me" type="checkbox" /> <label for="remember_me">Keep me logged in</label>
      </p>
      <p><button>Log in</button></p>
    </form>
    <p><a href="/signup">Create an account</a> · <a href="/password-reset">Forgot your password?</a></p>
    <p><a href="${withQuery('/api/auth/login', { return_to: returnTo })}">Log in on the Auth0 page instead</a></p>
    ${testUsers(returnTo)}`
}

function wayOut(error: string | undefined, returnTo: string | undefined): Html | undefined {
  if (error === 'interaction_required') {
    return html`<a href="${withQuery('/api/auth/login', { return_to: returnTo })}">Continue on the Auth0 page</a>`
  }
  return WITH_RECOVERY.includes(error ?? '') ? html`<a href="/password-reset">Reset your password</a>` : undefined
}

const testUsers = (returnTo: string | undefined) =>
  html`<section aria-labelledby="users">
    <h2 id="users">Test users</h2>
    <form action="/login">
      ${hidden('return_to', returnTo)}
      <ul class="users">
        ${users.map(
          ({ email, password, shows }) =>
            html`<li>
              <button class="fill" name="user" value="${email}" data-password="${password}">
                <b>${email}</b> <span>${shows}</span> <code>${password}</code>
              </button>
            </li>`,
        )}
      </ul>
    </form>
  </section>`

export function signupMain({ error }: Pick<Asked, 'error'>): Html {
  return html`<h1>Create an account</h1>
    <form
      method="post"
      action="/api/auth/signup"
      data-send
      data-busy="Creating your account…"
      data-then="${withQuery('/login', { return_to: SIGNED_UP })}"
    >
      ${problemBox({ text: messageFor(error) })} ${hidden('return_to', SIGNED_UP)}
      ${field({ label: 'Name', name: 'name', autocomplete: 'name' })}
      ${field({ label: 'Email', name: 'email', type: 'email', autocomplete: 'username' })}
      ${field({ label: 'Password', name: 'password', type: 'password', autocomplete: 'new-password', hint: 'At least 8 characters with three of these: lowercase, uppercase, numbers, symbols.' })}
      <p><button>Create account</button></p>
    </form>
    <p><a href="/login">Log in instead</a></p>`
}

export function resetMain({ error }: Pick<Asked, 'error'>): Html {
  return html`<h1>Reset your password</h1>
    <p>Auth0 sends you an email with a link. In this demo, no email is sent.</p>
    <form
      method="post"
      action="/api/auth/password-reset"
      data-send
      data-busy="Sending…"
      data-then="${withQuery('/login', { return_to: RESET_SENT })}"
    >
      ${problemBox({ text: messageFor(error) })} ${hidden('return_to', RESET_SENT)}
      ${field({ label: 'Email', name: 'email', type: 'email', autocomplete: 'username' })}
      <p><button>Send link</button></p>
    </form>
    <p><a href="/login">Back to login</a></p>`
}
