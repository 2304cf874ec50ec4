'use strict'

const { AsyncLocalStorage } = require('node:async_hooks')
const { TestEnvironment } = require('jest-environment-node')

/** Every storage that has been used since the last test file. */
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
 * Each test file has its own jest-circus and oidc-provider, with an AsyncLocalStorage each. Before Node 24, one that is
 * not disabled is consulted for every promise for as long as the process runs.
 */
module.exports = class extends TestEnvironment {
  /** @override */
  async setup() {
    await super.setup()
    // For `libraries.cjs`.
    this.global.requireOfNode = require
  }

  /** @override */
  async teardown() {
    await super.teardown()
    for (const storage of used) storage.disable()
    used.clear()
  }
}
