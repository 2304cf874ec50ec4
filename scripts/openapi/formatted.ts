import { format } from 'prettier'
import { createDocument } from './document.ts'

/** The text of `openapi.json`. */
export function formatted(version: string): Promise<string> {
  return format(JSON.stringify(createDocument(version)), { parser: 'json', printWidth: 120 })
}
