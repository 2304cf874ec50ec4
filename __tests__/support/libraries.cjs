'use strict'

/**
 * A transform of jest for large libraries: Node loads them itself, as in production, and once for all test files of a
 * process. Within jest each file would compile and run them again.
 */
module.exports = {
  /**
   * @param {string} _source
   * @param {string} path
   */
  process: (_source, path) => ({ code: `module.exports = requireOfNode(${JSON.stringify(path)})` }),
}
