import ts from 'typescript'

/** Shares source files between programs if path and parse settings match. */
type SourceFiles = Map<string, ts.SourceFile | undefined>

export interface Compiler {
  /** TypeScript's errors for the program of a tsconfig.json. */
  problemsOf(tsconfig: string): string
  /** Writes the declaration files of a program without checking its types, which `npm run types` does. */
  declare(tsconfig: string, outDir: string): string
}

/** Compiles all programs in one process, because reading the same files again would take most of the time. */
export function createCompiler(): Compiler {
  const files: SourceFiles = new Map()
  return {
    problemsOf(tsconfig) {
      const { program, errors } = open(tsconfig, { files })
      const checked = program.getSourceFiles().filter(isChecked)
      return format([
        ...errors,
        ...program.getOptionsDiagnostics(),
        ...program.getGlobalDiagnostics(),
        ...checked.flatMap((file) => program.getSyntacticDiagnostics(file)),
        ...checked.flatMap((file) => program.getSemanticDiagnostics(file)),
      ])
    },
    declare(tsconfig, outDir) {
      const { program, errors } = open(tsconfig, { files, more: { emitDeclarationOnly: true, noCheck: true, outDir } })
      return format([...errors, ...program.emit().diagnostics])
    },
  }
}

/** Skips the declarations of TypeScript and Node.js, which are slow to check and unaffected by this package. */
const isChecked = ({ fileName }: ts.SourceFile) =>
  !/\/node_modules\/(?:typescript|@types\/node|undici-types)\//.test(fileName)

function open(tsconfig: string, { files, more = {} }: { files: SourceFiles; more?: ts.CompilerOptions }) {
  const unreadable = (problem: ts.Diagnostic) => {
    throw new Error(format([problem]))
  }
  const parseHost = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: unreadable }
  const { options, fileNames, errors } = ts.getParsedCommandLineOfConfigFile(tsconfig, more, parseHost)!
  const host = sharing(files, ts.createCompilerHost(options), options)
  return { program: ts.createProgram({ rootNames: fileNames, options, host }), errors }
}

function sharing(files: SourceFiles, host: ts.CompilerHost, { module }: ts.CompilerOptions): ts.CompilerHost {
  const read: ts.CompilerHost['getSourceFile'] = (name, how, ...rest) => {
    const { languageVersion, impliedNodeFormat } = how as ts.CreateSourceFileOptions
    const key = [name, languageVersion, impliedNodeFormat, module].join()
    if (!files.has(key)) files.set(key, host.getSourceFile(name, how, ...rest))
    return files.get(key)
  }
  return { ...host, getSourceFile: read }
}

function format(problems: readonly ts.Diagnostic[]): string {
  const host = {
    getCanonicalFileName: (name: string) => name,
    getCurrentDirectory: () => ts.sys.getCurrentDirectory(),
    getNewLine: () => '\n',
  }
  return ts.formatDiagnostics(problems, host)
}
