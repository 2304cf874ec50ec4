/** @jest-config-loader esbuild-register */
import type { Config } from 'jest'

type Project = Exclude<NonNullable<Config['projects']>[number], string>

/** Published as ES modules only, which jest cannot `require()` on Node 20: compiled like our own code. */
const esmOnly = ['jose', 'oauth4webapi', 'openid-client', 'oidc-provider']

/** Loaded by Node itself: see `libraries.cjs`. Not those that look at the clock, prototypes or promises of a test. */
const large = [
  ...['ajv', 'fast-check', 'ioredis', 'ioredis6', 'playwright-core', 'swagger-ui-dist', 'typescript', 'undici', 'vite'],
  'zod',
]

/** Examples and tests name the package as its users do. */
const ownName = {
  '^express-auth0-ropg$': '<rootDir>/lib/index.ts',
  '^express-auth0-ropg/testing$': '<rootDir>/lib/testing/index.ts',
}

const base: Project = {
  testEnvironment: '<rootDir>/__tests__/support/environment.cjs',
  resolver: '<rootDir>/__tests__/support/resolver.cjs',
  setupFilesAfterEnv: ['<rootDir>/__tests__/support/compare-answers.ts'],
  transform: {
    [`/node_modules/(?:${large.join('|')})/`]: '<rootDir>/__tests__/support/libraries.cjs',
    '\\.[mc]?[jt]s$': [
      '@swc/jest',
      {
        jsc: {
          ...{ target: 'es2022', parser: { syntax: 'typescript', decorators: true } },
          // NestJS: examples/nestjs.
          transform: { legacyDecorator: true },
        },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(?:${[...esmOnly, ...large].join('|')})/)`],
}

/** Where the version of Express can matter: routing, bodies, client addresses, redirects, cookies, errors, guards. */
const dependOnExpress = [
  ...['attempts', 'authorization', 'bad-input', 'complete-errors', 'error-table', 'errors', 'guards', 'interactive'],
  ...['login', 'logout', 'logout-url', 'malformed-url', 'mfa', 'operators', 'pages', 'return-to'],
]

const config: Config = {
  // More than cores: what takes longest waits for processes to start and to be killed.
  maxWorkers: 3,
  // A worker that has run many files is slow with what they left in its heap: a new one takes over.
  workerIdleMemoryLimit: '700MB',
  testTimeout: 60_000,
  globalSetup: '<rootDir>/__tests__/support/global-setup.ts',
  globalTeardown: '<rootDir>/__tests__/support/global-teardown.ts',
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageProvider: 'v8',
  projects: [
    {
      ...base,
      displayName: 'express5',
      moduleNameMapper: ownName,
      testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
    },
    {
      ...base,
      displayName: 'express4',
      testMatch: [
        `<rootDir>/__tests__/http/{${dependOnExpress.join(',')}}.test.ts`,
        '<rootDir>/__tests__/findings/bodies.test.ts',
      ],
      moduleNameMapper: { ...ownName, '^express$': 'express4' },
    },
  ],
}

export default config
