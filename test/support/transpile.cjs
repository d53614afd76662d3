// CommonJS: Jest reads it on both sides, also where it has no ES modules (`npm run test:commonjs`).
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join, resolve } = require('node:path');

/** As tsconfig.json says; what needs no types needs no program. */
const OPTIONS = {
  module: 'esnext',
  target: 'es2023',
  verbatimModuleSyntax: true,
  isolatedModules: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  sourceMap: true,
};

/** What was transpiled once: by jest, or for the processes that specs start. `rm -rf` it at any time. */
const KEPT = resolve('node_modules/.cache/transpiled');
/** The first number is of this file: raise it with what {@link compile} makes of the compiler's output. */
const MADE_BY = ['1', require('typescript/package.json').version, JSON.stringify(OPTIONS)].join();

/** Loaded when there is something to do for it: that takes half a second, in each worker of jest. */
let compiler;

function transpile(text, path) {
  const file = join(KEPT, `${transpileKey(text, path)}.js`);
  try {
    return readFileSync(file, 'utf8');
  } catch {
    const output = compile(text, resolve(path));
    mkdirSync(KEPT, { recursive: true });
    // several processes may make the same: none reads what another has half written
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, output);
    renameSync(unfinished, file);
    return output;
  }
}

function transpileKey(text, path) {
  return createHash('sha256')
    .update(`${MADE_BY}\0${resolve(path)}\0${text}`)
    .digest('hex');
}

function compile(text, path) {
  compiler ??= require('typescript');
  const ts = compiler;
  const { options } = ts.convertCompilerOptionsFromJson(OPTIONS, '.');
  const result = ts.transpileModule(text, { compilerOptions: options, fileName: path, reportDiagnostics: true });
  const [fault] = result.diagnostics;
  if (fault !== undefined) {
    const line = text.slice(0, fault.start ?? 0).split('\n').length;
    throw new Error(`${path}:${line}: ${ts.flattenDiagnosticMessageText(fault.messageText, '\n')}`);
  }
  const map = JSON.stringify({ ...JSON.parse(result.sourceMapText), sources: [path] });
  const inline = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  return result.outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, () => `${inline}\n`);
}

module.exports = { transpile, transpileKey };
