// For Jest without ES modules: TypeScript as CommonJS, file by file. Types are what `npm run typecheck` looks at.
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const ts = require('typescript');

const compilerOptions = {
  module: ts.ModuleKind.CommonJS,
  target: ts.ScriptTarget.ES2023,
  esModuleInterop: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  inlineSourceMap: true,
};
const self = readFileSync(module.filename);

module.exports = {
  getCacheKey: (text, path) => createHash('sha1').update(self).update(path).update(text).digest('hex'),
  process(text, fileName) {
    const source = text
      .replaceAll('import.meta.dirname', '__dirname')
      .replaceAll('import.meta.url', "require('node:url').pathToFileURL(__filename).href");
    return { code: ts.transpileModule(source, { compilerOptions, fileName }).outputText };
  },
};
