import ts from 'typescript'

/** Which source files several programs may share: those of the same path, read in the same way. */
type SourceFiles = Map<string, ts.SourceFile | undefined>

export interface Compiler {
  /** What TypeScript says of the program of a tsconfig.json, which is nothing when all is well. */
  problemsOf(tsconfig: string): string
  /** Writes the declaration files of a program. Its types are checked elsewhere: by `npm run types`. */
  declare(tsconfig: string, outDir: string): string
}

/** Of a process of its own for each program, most of the time goes to reading the same files again. */
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

/** Not the declarations of TypeScript and Node themselves: nothing here adds to them, and they take the most time. */
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
