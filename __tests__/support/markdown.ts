import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const ROOT = join(__dirname, '..', '..')

export interface Page {
  /** Relative to the repository, such as `docs/tokens.md`. */
  path: string
  text: string
  blocks: Block[]
}

/** A code block. */
export interface Block {
  page: string
  language: string
  code: string
  /** The heading above it. */
  heading: string
  line: number
}

export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8')
  return { path, text, blocks: blocksOf(path, text) }
}

function blocksOf(page: string, text: string): Block[] {
  const found: Block[] = []
  let heading = ''
  let open: Block | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line)
    if (open && fence) {
      found.push(open)
      open = undefined
    } else if (open) open.code += `${line}\n`
    else if (fence) open = { page, language: fence[1] ?? '', code: '', heading, line: index + 1 }
    else heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
  }
  if (open) throw new Error(`${page}: the code block in line ${open.line} does not end`)
  return found
}

/** Blocks with titles for `it.each`. */
export function titled(blocks: Block[]): [title: string, block: Block][] {
  return blocks.map((block) => [`${block.page} line ${block.line}, ${block.heading}`, block])
}

/** The text without its code blocks. */
export function prose({ text }: Page): string {
  return text.replace(/^```[^]*?^```$/gm, '')
}

/** The text between a heading of any level and the next one of the same or a higher level. */
export function section(page: Page, heading: string): string {
  const lines = prose(page).split('\n')
  const from = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (from === -1) throw new Error(`${page.path} has no section ${heading}`)
  const level = lines[from]?.indexOf(' ') ?? 0
  const length = lines.slice(from + 1).findIndex((line) => /^#+ /.test(line) && line.indexOf(' ') <= level)
  return lines.slice(from, length === -1 ? undefined : from + 1 + length).join('\n')
}

/** The cells of the tables in a text, without their heads. */
export function tableRows(text: string): string[][] {
  const rows: string[][] = []
  let line = 0
  for (const written of text.split('\n')) {
    line = written.startsWith('|') ? line + 1 : 0
    // The head and the rule below it.
    if (line > 2) rows.push(cellsOf(written))
  }
  return rows
}

function cellsOf(row: string): string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim())
}

/** What is written in backticks. */
export function codes(text: string): string[] {
  return Array.from(text.matchAll(/`([^`]+)`/g), ([, code = '']) => code)
}

/** Anchors of a page as GitHub makes them. */
export function anchors(page: Page): string[] {
  const headings = Array.from(prose(page).matchAll(/^#+ (.*)$/gm), ([, heading = '']) => heading)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Targets of the links on a page. */
export function links(page: Page): string[] {
  return Array.from(prose(page).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target)
}

/** Packages that pages show and this repository does not install, as far as they are shown. */
const NOT_INSTALLED = `
declare module 'winston' {
  interface Winston { info: LogMethod; warn: LogMethod; error: LogMethod }
  type LogMethod = (message: string, fields: object) => Winston
  export function createLogger(options: { level?: string; transports: object[] }): Winston
  export const transports: { Console: new () => object }
}
declare module 'pino-http' {
  import type { RequestHandler } from 'express'
  export function pinoHttp(options: { redact?: string[] }): RequestHandler
}
declare module '@opentelemetry/sdk-node' {
  export class NodeSDK {
    constructor(options: { serviceName?: string })
    start(): void
    shutdown(): Promise<void>
  }
}
declare module 'cors' {
  import type { RequestHandler } from 'express'
  export default function cors(options: { origin: string[]; credentials: boolean; exposedHeaders: string[] }): RequestHandler
}
`

const fileOf = ({ page, line }: Block) => join(ROOT, `${page.replaceAll('/', '-')}-line-${line}.ts`)

/** What the compiler says about each block, under the strict settings of this repository. */
export function compile(blocks: Block[]): Map<Block, string[]> {
  const declares = (block: Block) => block.code.includes('declare module')
  // What a block declares for the whole program must not reach the others.
  const programs = [blocks.filter((block) => !declares(block)), ...blocks.filter(declares).map((block) => [block])]
  const host = createHost(blocks)
  return new Map(programs.flatMap((program) => [...compileTogether(program, host)]))
}

interface Host {
  compiler: ts.CompilerHost
  options: ts.CompilerOptions
}

const AMBIENT = join(ROOT, 'not-installed.d.ts')

function createHost(blocks: Block[]): Host {
  const config = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT)
  const texts = new Map([[AMBIENT, NOT_INSTALLED], ...blocks.map((block) => [fileOf(block), block.code] as const)])
  const compiler = ts.createCompilerHost(options)
  const onDisk = { ...compiler }
  const parsed = new Map<string, ts.SourceFile | undefined>()
  compiler.fileExists = (path) => texts.has(path) || onDisk.fileExists(path)
  compiler.readFile = (path) => texts.get(path) ?? onDisk.readFile(path)
  compiler.getSourceFile = (path, version) => {
    if (!parsed.has(path)) {
      const text = texts.get(path)
      const file = text === undefined ? onDisk.getSourceFile(path, version) : ts.createSourceFile(path, text, version)
      parsed.set(path, file)
    }
    return parsed.get(path)
  }
  return { compiler, options }
}

function compileTogether(blocks: Block[], { compiler, options }: Host): Map<Block, string[]> {
  const program = ts.createProgram([AMBIENT, ...blocks.map(fileOf)], options, compiler)
  return new Map(
    blocks.map((block) => {
      const file = program.getSourceFile(fileOf(block))
      const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
      return [block, found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))]
    }),
  )
}
