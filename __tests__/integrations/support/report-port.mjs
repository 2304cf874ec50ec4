/** Loaded into a program before itself: tells the test on which port it listens, and ends it with the test. */
import { Server } from 'node:net'

const { listen } = Server.prototype

/** @this {Server} @param {unknown[]} args */
Server.prototype.listen = function (...args) {
  this.once('listening', () => process.send?.(/** @type {import('node:net').AddressInfo} */ (this.address()).port))
  return listen.apply(this, /** @type {never} */ (args))
}

process.once('disconnect', () => process.exit())
