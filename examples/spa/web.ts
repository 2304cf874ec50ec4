import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'

const { port } = new URL(process.env.WEB_URL ?? 'http://localhost:5173')

// What `npx vite web` does. In production, run `npx vite build web` and serve the result as static files.
export const web = await createServer({
  root: fileURLToPath(new URL('web', import.meta.url)),
  define: { 'import.meta.env.API_URL': JSON.stringify(process.env.BASE_URL ?? 'http://localhost:3000') },
  server: { port: Number(port), strictPort: true },
  logLevel: 'warn',
})
await web.listen()
