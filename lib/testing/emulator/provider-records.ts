import type { Adapter, AdapterPayload } from 'oidc-provider'

/** Stores oidc-provider's records per emulator. Its own in-memory adapter is shared across the process. */
export function createProviderRecords(): (model: string) => Adapter {
  const records = new Map<string, AdapterPayload>()
  return (model) => new ProviderRecords(records, `${model}:`)
}

class ProviderRecords implements Adapter {
  readonly #records: Map<string, AdapterPayload>
  readonly #prefix: string

  constructor(records: Map<string, AdapterPayload>, prefix: string) {
    this.#records = records
    this.#prefix = prefix
  }

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#records.set(this.#prefix + id, payload)
    return Promise.resolve()
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return Promise.resolve(this.#records.get(this.#prefix + id))
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return Promise.resolve(this.#own().find((payload) => payload.uid === uid))
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return Promise.resolve(this.#own().find((payload) => payload.userCode === userCode))
  }

  async consume(id: string): Promise<void> {
    const payload = await this.find(id)
    if (payload) payload.consumed = Math.floor(Date.now() / 1000)
  }

  async destroy(id: string): Promise<void> {
    this.#records.delete(this.#prefix + id)
    return Promise.resolve()
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, payload] of this.#records) if (payload.grantId === grantId) this.#records.delete(key)
    return Promise.resolve()
  }

  #own(): AdapterPayload[] {
    return [...this.#records].filter(([key]) => key.startsWith(this.#prefix)).map(([, payload]) => payload)
  }
}
