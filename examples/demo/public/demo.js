// All forms work without this script. It adds busy states, inline messages, and countdowns.
const UNREACHABLE = 'The server cannot be reached. Check your connection and try again.'
const TIMEOUT = 20_000
const busy = new WeakSet()

/** @param {HTMLFormElement} form */
const parts = (form) => ({
  problem: form.querySelector('[role=alert]'),
  status: document.getElementById(form.dataset.status ?? '') ?? form.querySelector('[role=status]'),
  button: form.querySelector('button'),
})

async function send(form, submitter) {
  if (busy.has(form)) return
  busy.add(form)
  const { problem, status } = parts(form)
  problem?.replaceChildren()
  if (status) status.textContent = form.dataset.busy ?? ''
  const release = holdButtons(form)
  const { answer, body } = await exchange(form, submitter)
  busy.delete(form)
  release()
  if (status) status.textContent = ''
  await refreshWire()
  if (answer?.status === 202 && body.error === 'mfa_pending') waitAndRepeat(form, answer)
  else if (answer?.ok) succeed(form, body)
  else fail(form, answer, body)
}

function holdButtons(form) {
  const buttons = [...form.querySelectorAll('button')]
  form.setAttribute('aria-busy', 'true')
  for (const button of buttons) button.setAttribute('aria-disabled', 'true')
  return () => {
    form.removeAttribute('aria-busy')
    for (const button of buttons) button.removeAttribute('aria-disabled')
  }
}

async function exchange(form, submitter) {
  const fields = new URLSearchParams(new FormData(form, submitter))
  let answer
  try {
    answer = await fetch(form.action, {
      ...{ method: 'POST', body: fields, signal: AbortSignal.timeout(TIMEOUT) },
      headers: { Accept: 'application/json' },
    })
    return { answer, body: await answer.json() }
  } catch {
    const message = answer ? `The server sent an unexpected response (${answer.status}). Try again.` : UNREACHABLE
    return { answer: undefined, body: { message } }
  }
}

function succeed(form, body) {
  const { then, done, submits } = form.dataset
  const { status } = parts(form)
  const message = body.message ?? done
  if (then !== undefined) return location.assign(body.logout_url ?? then)
  if (status && message) status.textContent = message
  if (submits) document.getElementById(submits).requestSubmit()
  else if (done) location.reload()
}

function fail(form, answer, body) {
  if (body.error === 'mfa_required') return location.assign(verifyUrl(form))
  if (body.error === 'mfa_expired' || body.error === 'mfa_denied') return location.assign(`/login?error=${body.error}`)
  if (answer?.status === 401 && form.id === 'orders') return location.assign(`/login?error=${body.error}`)
  const problem = parts(form).problem ?? document.querySelector('main [role=alert]')
  problem.replaceChildren(messageOf(body), ...linksOf(body))
  problem.focus()
  const seconds = Number(answer?.headers.get('Retry-After'))
  if (seconds > 0) countDown(form, seconds)
}

function verifyUrl(form) {
  const returnTo = form.elements.namedItem('return_to')?.value
  return returnTo ? `/verify?${new URLSearchParams({ return_to: returnTo })}` : '/verify'
}

function messageOf({ message, policy, fields = {} }) {
  const details = Object.entries(fields).map(([name, reason]) => `${name} ${reason}`)
  return [message ?? 'Something went wrong.', ...details, ...(policy ? [policy] : [])].join(' ')
}

function linksOf({ login_url: loginUrl, recovery_url: recoveryUrl }) {
  const links = [
    [loginUrl, 'Continue on the Auth0 page'],
    [recoveryUrl, 'Reset your password'],
  ]
  return links.flatMap(([href, text]) =>
    href ? [' ', Object.assign(document.createElement('a'), { href, text })] : [],
  )
}

function countDown(form, seconds) {
  const { button } = parts(form)
  const label = button.dataset.label ?? button.textContent
  button.dataset.label = label
  if (seconds <= 0) {
    busy.delete(form)
    button.textContent = label
    button.removeAttribute('aria-disabled')
    return
  }
  busy.add(form)
  button.setAttribute('aria-disabled', 'true')
  button.textContent = `${label} (wait ${seconds} s)`
  setTimeout(() => countDown(form, seconds - 1), 1000)
}

function waitAndRepeat(form, answer) {
  parts(form).status.textContent = form.dataset.busy
  const seconds = Number(answer.headers.get('Retry-After')) || 5
  setTimeout(() => send(form), seconds * 1000)
}

async function refreshWire() {
  const wire = document.getElementById('wire')
  try {
    const answer = await fetch('/demo/wire')
    if (answer.ok && wire) wire.innerHTML = await answer.text()
  } catch {
    // The page works without the panel.
  }
}

function fill({ value, dataset }) {
  const { elements } = document.getElementById('login')
  elements.namedItem('email').value = value
  elements.namedItem('password').value = dataset.password
  elements.namedItem('email').focus()
}

document.addEventListener('submit', (event) => {
  if (!event.target.matches('[data-send]')) return
  event.preventDefault()
  void send(event.target, event.submitter)
})
document.addEventListener('click', (event) => {
  const button = event.target.closest?.('.fill')
  if (!button) return
  event.preventDefault()
  fill(button)
})
