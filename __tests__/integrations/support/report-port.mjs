/** Preloaded into a program. Reports its port to the test and exits with the test. */
import { Server } from 'node:net'

const { listen } = Server.prototype

/** @this {Server} @param {unknown[]} args */
Server.prototype.listen = function (...args) {
  this.once('listening', () => process.send?.(/** @type {import('node:net').AddressInfo} */ (this.address()).port))
  return listen.apply(this, /** @type {never} */ (args))
}

process.once('disconnect', () => process.exit())
