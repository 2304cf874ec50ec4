import { freePort } from '../../support/ports.ts'

/** Ports of an example's programs. */
export async function portSettings() {
  const [port, api, web] = [await freePort(), await freePort(), await freePort()]
  const urlOf = (port: number) => `http://localhost:${port}`
  return { PORT: String(port), BASE_URL: urlOf(port), API_URL: urlOf(api), WEB_URL: urlOf(web) }
}
