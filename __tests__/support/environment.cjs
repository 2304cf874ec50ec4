'use strict'

const { AsyncLocalStorage } = require('node:async_hooks')
const { TestEnvironment } = require('jest-environment-node')

/** Every AsyncLocalStorage used since the last test file. */
const used = new Set()
for (const name of /** @type {const} */ (['run', 'enterWith'])) {
  /** @type {Function} */
  const original = AsyncLocalStorage.prototype[name]
  Object.defineProperty(AsyncLocalStorage.prototype, name, {
    /** @this {AsyncLocalStorage<unknown>} @param {unknown[]} args */
    value(...args) {
      used.add(this)
      return original.apply(this, args)
    },
  })
}

/**
 * Each test file loads its own jest-circus and oidc-provider, each with an AsyncLocalStorage. Before Node 24, a storage
 * that is not disabled slows down every promise for the rest of the process.
 */
module.exports = class extends TestEnvironment {
  /** @override */
  async setup() {
    await super.setup()
    // Used by `libraries.cjs`.
    this.global.requireOfNode = require
  }

  /** @override */
  async teardown() {
    await super.teardown()
    for (const storage of used) storage.disable()
    used.clear()
  }
}
