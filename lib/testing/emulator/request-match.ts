import type { RecordedRequest, RequestMatch } from './types.js'

export function matches({ path = '/oauth/token', grantType }: RequestMatch, record: RecordedRequest): boolean {
  return record.path === path && (grantType === undefined || record.grantType === grantType)
}
