import { freePort } from '../../support/ports.ts'

/** Where the programs of an example listen. */
export async function portSettings() {
  const [port, api, web] = [await freePort(), await freePort(), await freePort()]
  return { PORT: String(port), API_URL: `http://localhost:${api}`, WEB_URL: `http://localhost:${web}` }
}
