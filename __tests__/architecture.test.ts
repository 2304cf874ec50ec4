import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import ts from 'typescript'
import { LAYERS, layerOf } from '../scripts/layers.js'

interface Import {
  from: string
  /** A path below lib/ if `isRelative`, otherwise a package name. */
  target: string
  isRelative: boolean
  isTypeOnly: boolean
}

interface Source {
  path: string
  text: string
  tree: ts.SourceFile
  imports: Import[]
}

const LIB = join(__dirname, '..', 'lib')
const MAX_CODE_LINES = 200
const BARRELS = ['index.ts', 'testing/index.ts']
const VAGUE_NAME = /(?:^|-)(?:utils?|helpers?|common|managers?|services?|handlers?)(?:-|$)/i

const sources = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => path.replaceAll('\\', '/'))
  .sort()
  .map(readSource)
const imports = sources.flatMap((source) => source.imports)

function readSource(path: string): Source {
  const text = readFileSync(join(LIB, path), 'utf8')
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
  return { path, text, tree, imports: importsOf(path, tree) }
}

function importsOf(path: string, tree: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean) => {
    if (specifier && ts.isStringLiteralLike(specifier)) found.push(toImport(path, specifier.text, isTypeOnly))
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node.importClause))
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly || allTypes(node.exportClause))
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (clause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  return clause !== undefined && clause.name === undefined && allTypes(clause.namedBindings)
}

function allTypes(bindings: ts.Node | undefined): boolean {
  if (bindings === undefined) return false
  const isList = ts.isNamedImports(bindings) || ts.isNamedExports(bindings)
  return isList && bindings.elements.length > 0 && [...bindings.elements].every((element) => element.isTypeOnly)
}

function toImport(from: string, specifier: string, isTypeOnly: boolean): Import {
  if (!specifier.startsWith('.')) return { from, target: packageOf(specifier), isRelative: false, isTypeOnly }
  const target = posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
  return { from, target, isRelative: true, isTypeOnly }
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Describes a forbidden import, or returns undefined. */
function breach(found: Import): string | undefined {
  const layer = LAYERS[layerOf(found.from)]
  if (!layer) return `${found.from} is in a folder that scripts/layers.js does not know`
  const [what, code, types] = found.isRelative
    ? [layerOf(found.target), layer.layers, layer.layerTypes ?? []]
    : [found.target, layer.packages, layer.packageTypes]
  if (what.startsWith('node:') || allows(code, what)) return undefined
  if (!allows(types, what)) return `${found.from} may not import ${found.target}`
  return found.isTypeOnly ? undefined : `${found.from} may import only types from ${found.target}`
}

const allows = (list: readonly string[] | 'any', name: string) => list === 'any' || list.includes(name)

/** The first import cycle. */
function findCycle(): string[] | undefined {
  const done = new Set<string>()
  const walk = (path: string, trail: string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return undefined
    const next = imports.filter((found) => found.from === path && found.isRelative)
    const cycle = firstDefined(next, (found) => walk(found.target, [...trail, path]))
    done.add(path)
    return cycle
  }
  return firstDefined(sources, (source) => walk(source.path, []))
}

function firstDefined<Item, Result>(items: Item[], look: (item: Item) => Result | undefined): Result | undefined {
  for (const item of items) {
    const result = look(item)
    if (result !== undefined) return result
  }
  return undefined
}

/** Lines with at least one token, so neither blank nor comment-only. */
function codeLines({ text, tree }: Source): number {
  const lines = new Set<number>()
  const visit = (node: ts.Node): void => {
    if (node.getChildCount(tree) > 0) {
      for (const child of node.getChildren(tree)) visit(child)
      return
    }
    if (ts.isJSDoc(node) || node.getEnd() === node.getStart(tree)) return
    const first = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line
    const last = tree.getLineAndCharacterOfPosition(node.getEnd()).line
    for (let line = first; line <= last; line++) lines.add(line)
  }
  if (text) visit(tree)
  return lines.size
}

function hasDefaultExport({ tree }: Source): boolean {
  return tree.statements.some((statement) => {
    if (ts.isExportAssignment(statement)) return true
    if (ts.isExportDeclaration(statement)) return exportsDefault(statement.exportClause)
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined
    return modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword) ?? false
  })
}

function exportsDefault(clause: ts.NamedExportBindings | undefined): boolean {
  if (clause === undefined || !ts.isNamedExports(clause)) return false
  return [...clause.elements].some((element) => element.name.text === 'default')
}

function hasExportAll({ tree }: Source): boolean {
  return tree.statements.some((node) => ts.isExportDeclaration(node) && !node.exportClause)
}

const paths = (list: Source[]) => list.map(({ path }) => `lib/${path}`)

describe('the sources in lib', () => {
  test('are found', () => {
    expect(sources.length).toBeGreaterThan(0)
    expect(imports.length).toBeGreaterThan(0)
  })

  test('import only what the table in scripts/layers.js allows', () => {
    expect(imports.map(breach).filter(Boolean)).toEqual([])
  })

  test('import files of lib by the names under which they are published', () => {
    const missing = imports.filter((found) => found.isRelative && !existsSync(join(LIB, found.target)))
    expect(missing.map(({ from, target }) => `${from} imports ${target}, which is not there`)).toEqual([])
  })

  test('import only packages that package.json names', () => {
    const manifest = JSON.parse(readFileSync(join(LIB, '..', 'package.json'), 'utf8')) as Record<string, object>
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    // Part of @types/express.
    declared.push('express-serve-static-core')
    const undeclared = imports
      .filter((found) => !found.isRelative && !found.target.startsWith('node:'))
      .filter(({ target }) => !declared.includes(target))
    expect(undeclared.map(({ from, target }) => `${from} imports ${target}`)).toEqual([])
  })

  test('have no import cycles', () => {
    expect(findCycle()?.join(' -> ')).toBeUndefined()
  })

  test('have descriptive names', () => {
    const vague = sources.filter(({ path }) =>
      path
        .replace(/\.ts$/, '')
        .split('/')
        .some((part) => VAGUE_NAME.test(part)),
    )
    expect(paths(vague)).toEqual([])
  })

  test('have no barrels except the two entry points', () => {
    const barrels = sources.filter(({ path }) => /(?:^|\/)index\.ts$/.test(path) && !BARRELS.includes(path))
    expect(paths(barrels)).toEqual([])
  })

  test('export by name', () => {
    expect(paths(sources.filter(hasDefaultExport))).toEqual([])
    expect(paths(sources.filter(hasExportAll))).toEqual([])
  })

  test('are plain ASCII', () => {
    const odd = sources.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (/^[\t\x20-\x7e]*$/.test(line) ? [] : [`lib/${path}:${index + 1}`])),
    )
    expect(odd).toEqual([])
  })

  test(`have at most ${MAX_CODE_LINES} lines of code each`, () => {
    const long = sources.map((source) => ({ path: source.path, lines: codeLines(source) }))
    const tooLong = long.filter(({ lines }) => lines > MAX_CODE_LINES)
    expect(tooLong.map(({ path, lines }) => `lib/${path} has ${lines}`)).toEqual([])
  })
})
