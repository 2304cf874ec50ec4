import js from '@eslint/js'
import tseslint from 'typescript-eslint'
import { FOLDERS, ROOT_FILES, layerNamed, LAYERS } from './scripts/layers.js'

/** @type {import('eslint').Linter.RulesRecord} */
const sizes = {
  'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
  'max-depth': ['error', 2],
  'max-params': ['error', 3],
  complexity: ['error', 20],
}

const noDefaultExport = { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' }
const noExportAll = { selector: 'ExportAllDeclaration', message: 'Name what is exported.' }

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '__tests__/types/consumers/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      // Modules of NestJS are empty classes.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/prefer-nullish-coalescing': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: { ...sizes, 'no-console': 'error', 'no-restricted-syntax': ['error', noDefaultExport, noExportAll] },
  },
  { files: ['lib/cli/**/*.ts'], rules: { 'no-console': 'off' } },
  ...Object.keys(LAYERS).map(layerRules),
  {
    // Tests may look into untyped answers (`response.body`) and are as long as their list of cases.
    files: ['__tests__/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.{js,cjs,mjs}'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', module: 'writable', fetch: 'readonly', URL: 'readonly' },
    },
  },
  {
    files: ['examples/*/public/*.js', 'examples/spa/web/*.js'],
    languageOptions: {
      globals: {
        SwaggerUIBundle: 'readonly',
        document: 'readonly',
        location: 'readonly',
        AbortSignal: 'readonly',
        setTimeout: 'readonly',
        URLSearchParams: 'readonly',
        FormData: 'readonly',
      },
    },
  },
  {
    files: ['bench/contenders/**/*.js'],
    languageOptions: {
      globals: { Buffer: 'readonly', URLSearchParams: 'readonly', AbortSignal: 'readonly', performance: 'readonly' },
    },
    rules: { 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
  },
)

/**
 * @param {string} name
 * @returns {import('eslint').Linter.Config}
 */
function layerRules(name) {
  return {
    files: filesOf(name),
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: importPatterns(name) }] },
  }
}

/** @param {string} name */
function filesOf(name) {
  if (name === 'root') return ROOT_FILES.map((file) => `lib/${file}`)
  return name === 'leaf' ? ['lib/!(index|create-ropg-auth).ts'] : [`lib/${name}/**/*.ts`]
}

/** @param {string} name */
function importPatterns(name) {
  const layer = layerNamed(name)
  const withTypes = new Set([...layer.layers, ...(layer.layerTypes ?? [])])
  return [
    layersPattern(
      FOLDERS.filter((folder) => !withTypes.has(folder)),
      name,
    ),
    layersPattern(
      FOLDERS.filter((folder) => withTypes.has(folder) && !layer.layers.includes(folder)),
      name,
      true,
    ),
    ...rootPatterns(name),
    ...packagePatterns(name),
  ].filter((pattern) => pattern !== undefined)
}

/**
 * @param {string[]} folders
 * @param {string} name
 */
function layersPattern(folders, name, allowTypeImports = false) {
  if (folders.length === 0) return undefined
  const only = allowTypeImports ? ' only the types of' : ' nothing from'
  return {
    regex: `^\\.{1,2}/(?:\\.\\./)*(?:${folders.join('|')})/`,
    message: `${name} may import${only} ${folders.join(', ')} (scripts/layers.js).`,
    allowTypeImports,
  }
}

/** @param {string} name */
function rootPatterns(name) {
  const layer = layerNamed(name)
  if (layer.layers.includes('root')) return []
  const files = ROOT_FILES.map((file) => file.replace(/\.ts$/, '\\.js')).join('|')
  const up = name === 'leaf' ? '\\./' : '(?:\\.\\./)+'
  const allowTypeImports = layer.layerTypes?.includes('root') ?? false
  return [{ regex: `^${up}(?:${files})$`, message: `${name} is below the composition root.`, allowTypeImports }]
}

/** @param {string} name */
function packagePatterns(name) {
  const { packages, packageTypes } = layerNamed(name)
  if (packages === 'any') return []
  const message = `${name} may use ${packages.join(', ') || 'no packages'} (scripts/layers.js).`
  if (packageTypes === 'any') return [{ regex: notOneOf(packages), message, allowTypeImports: true }]
  // A type import passes as soon as one matching pattern allows types, so these two must not overlap.
  const typesOnly = packageTypes.map((name) => ({ regex: `^${name}(?:/|$)`, message, allowTypeImports: true }))
  return [{ regex: notOneOf([...packages, ...packageTypes]), message }, ...typesOnly]
}

/** @param {string[]} packages */
function notOneOf(packages) {
  return `^(?!\\.|node:${packages.map((name) => `|${name}(?:/|$)`).join('')})`
}
