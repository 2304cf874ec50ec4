'use strict'

/**
 * A Jest transform that lets Node load large libraries itself, as in production, once per process. Otherwise, Jest
 * would compile and run them again for each test file.
 */
module.exports = {
  /**
   * @param {string} _source
   * @param {string} path
   */
  process: (_source, path) => ({ code: `module.exports = requireOfNode(${JSON.stringify(path)})` }),
}
