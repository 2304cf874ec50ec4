// Checks that the published package contains only the build, documents, and examples. Run `npm run build` first.
import { execFileSync } from 'node:child_process'

const MUST = [
  'openapi.json',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'package.json',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/cli/main.js',
  'dist/testing/index.js',
  'dist/testing/index.d.ts',
]
const MAY =
  /^(?:dist\/.+\.(?:js|d\.ts)|docs\/[\w-]+\.md|examples\/README\.md|examples\/(?:[\w-]+\/)?[\w-]+\.ts|examples\/[\w-]+\/(?:public|web)\/[\w-]+\.(?:css|html|js|svg))$/

const files = packedFiles()
const problems = [
  ...MUST.filter((path) => !files.includes(path)).map((path) => `missing: ${path}`),
  ...files.filter((path) => !MUST.includes(path) && !MAY.test(path)).map((path) => `does not belong there: ${path}`),
]

for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
else console.log(`The package holds ${files.length} files, as it should.`)

/** @returns {string[]} */
function packedFiles() {
  const answer = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  /** @type {{ files: { path: string }[] }[]} */
  const [report] = Array.isArray(answer) ? answer : Object.values(answer)
  return (report?.files ?? []).map(({ path }) => path)
}
