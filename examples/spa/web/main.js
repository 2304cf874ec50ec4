const API_URL = import.meta.env.API_URL
const element = (id) => document.getElementById(id)

/** Sends the session cookie. Tokens never reach the browser. */
async function call(method, path, body) {
  const response = await fetch(API_URL + path, {
    method,
    credentials: 'include',
    ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const answer = await response.json()
  if (!response.ok) throw Object.assign(new Error(answer.message), { status: response.status })
  return answer
}

async function show() {
  const todos = await call('GET', '/api/todos').then(
    (answer) => answer.todos,
    (err) => {
      if (err.status !== 401) throw err
    },
  )
  element('login').hidden = todos !== undefined
  element('todos').hidden = todos === undefined
  element('list').replaceChildren(
    ...(todos ?? []).map((text) => Object.assign(document.createElement('li'), { textContent: text })),
  )
}

/** Shows the server's error message. */
async function attempt(action) {
  element('problem').textContent = ''
  try {
    await action?.()
    await show()
  } catch (err) {
    element('problem').textContent = err.message
  }
}

function onSubmit(id, action) {
  element(id).addEventListener('submit', (event) => {
    event.preventDefault()
    const fields = Object.fromEntries(new FormData(event.target))
    void attempt(async () => {
      await action(fields)
      event.target.reset()
    })
  })
}

onSubmit('login', (fields) => call('POST', '/api/auth/login', fields))
onSubmit('add', (fields) => call('POST', '/api/todos', fields))
element('logout').addEventListener('click', () => void attempt(() => call('POST', '/api/auth/logout')))
void attempt()
