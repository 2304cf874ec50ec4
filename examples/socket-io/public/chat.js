/* global io */
const element = (id) => document.getElementById(id)
const socket = io()

function show(isLoggedIn, status) {
  element('login').hidden = isLoggedIn
  element('say').hidden = !isLoggedIn
  element('status').textContent = status
}

socket.on('connect', () => show(true, 'Connected.'))
socket.on('connect_error', (err) => show(false, err.message))
socket.on('disconnect', () => show(false, 'Disconnected.'))
socket.on('said', ({ name, text }) => {
  const item = Object.assign(document.createElement('li'), { textContent: `${name}: ${text}` })
  element('said').append(item)
})

element('login').addEventListener('submit', async (event) => {
  event.preventDefault()
  const response = await fetch('/api/auth/login', {
    method: 'POST',
    body: new URLSearchParams(new FormData(event.target)),
  })
  if (response.ok) socket.connect()
  else show(false, (await response.json()).message)
})

element('say').addEventListener('submit', (event) => {
  event.preventDefault()
  socket.emit('say', new FormData(event.target).get('text'))
  event.target.reset()
})
