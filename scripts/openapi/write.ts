import { readFile, writeFile } from 'node:fs/promises'
import { formatted } from './formatted.ts'

const root = new URL('../../', import.meta.url)
const { version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as { version: string }
await writeFile(new URL('openapi.json', root), await formatted(version))
