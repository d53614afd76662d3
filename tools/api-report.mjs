// The public interface of the package as text, one section per entry of `exports`: every exported name with its
// declaration, and what these declarations reach without exporting it. `npm run api` writes docs/api.txt;
// test/public-api.spec.ts compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..');
const LIB = join(ROOT, 'lib');
const REPORT = join(ROOT, 'docs', 'api.txt');

/** @returns the text of the report, and the files and declarations that each entry reaches */
function apiReport() {
  const api = new Api();
  const entries = entriesOf(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
  const exported = entries.map(({ name, file }) => ({ name, file, symbols: api.exportsOf(file) }));
  const isPublic = new Set(exported.flatMap(({ symbols }) => [...symbols.values()].map(nameOf)));
  const sections = [];
  const files = new Set();
  const hidden = new Map();
  for (const { name, symbols } of exported) {
    const lines = [...symbols].sort(byName).map(([alias, symbol]) => api.textOf(symbol, alias));
    sections.push(`# ${name}\n\n${lines.join('\n\n')}\n`);
    for (const symbol of api.reachedFrom([...symbols.values()])) {
      files.add(symbol.file);
      if (!isPublic.has(nameOf(symbol))) hidden.set(nameOf(symbol), symbol);
    }
  }
  // several names may stand in one statement
  const reached = new Set([...hidden].sort(byName).map(([, symbol]) => api.textOf(symbol, symbol.name)));
  sections.push(`# Reached by these, and exported by none\n\n${[...reached].join('\n\n')}\n`);
  return { text: sections.join('\n'), files: [...files].map((file) => relative(LIB, file)).sort() };
}

const byName = ([a], [b]) => (a < b ? -1 : 1);
const nameOf = ({ file, name }) => `${relative(LIB, file)}:${name}`;

/** The entries with types, and the source of each. */
function entriesOf({ name, exports }) {
  return Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === 'string') return [];
    const file = join(LIB, relative(join(ROOT, 'dist'), join(ROOT, target.import.types))).replace(/\.d\.ts$/, '.ts');
    return [{ name: join(name, entry), file }];
  });
}

/** Declarations of the library as their users see them: what is internal is gone, and so are bodies. */
class Api {
  files = new Map();

  /** @returns name of the export -> where it is declared */
  exportsOf(file) {
    const found = new Map();
    for (const statement of this.sourceOf(file).statements) {
      if (!ts.isExportDeclaration(statement)) {
        if (isExported(statement)) for (const name of namesOf(statement)) found.set(name, { file, name });
        continue;
      }
      if (statement.moduleSpecifier === undefined) continue;
      const from = this.resolve(file, statement.moduleSpecifier.text);
      if (statement.exportClause === undefined) {
        for (const [name, symbol] of this.exportsOf(from)) found.set(name, symbol);
      } else {
        for (const { name, propertyName } of statement.exportClause.elements) {
          found.set(name.text, this.exportsOf(from).get((propertyName ?? name).text));
        }
      }
    }
    return found;
  }

  /** Everything whose declaration is read by who reads these. */
  reachedFrom(symbols) {
    const reached = new Map(symbols.map((symbol) => [nameOf(symbol), symbol]));
    for (const symbol of reached.values()) {
      for (const next of this.referencesOf(symbol)) if (!reached.has(nameOf(next))) reached.set(nameOf(next), next);
    }
    return [...reached.values()];
  }

  referencesOf({ file, name }) {
    const imports = this.importsOf(file);
    const found = [];
    const visit = (node) => {
      if (ts.isIdentifier(node)) {
        const local = imports.get(node.text);
        if (local) found.push(local);
        else if (node.text !== name && this.declarationsOf(file, node.text).length > 0 && !isMember(node)) {
          found.push({ file, name: node.text });
        }
      }
      ts.forEachChild(node, visit);
    };
    for (const statement of this.declarationsOf(file, name)) visit(statement);
    return found;
  }

  /** Name -> where it is declared, of what a file imports from the library. */
  importsOf(file) {
    const found = new Map();
    for (const statement of this.sourceOf(file).statements) {
      if (!ts.isImportDeclaration(statement) || !statement.moduleSpecifier.text.startsWith('.')) continue;
      const from = this.resolve(file, statement.moduleSpecifier.text);
      const bindings = statement.importClause?.namedBindings;
      if (!bindings || !ts.isNamedImports(bindings)) continue;
      for (const { name, propertyName } of bindings.elements) {
        const declared = this.exportsOf(from).get((propertyName ?? name).text);
        if (declared) found.set(name.text, declared);
      }
    }
    return found;
  }

  textOf({ file, name }, alias) {
    const source = this.sourceOf(file);
    const printer = ts.createPrinter({ removeComments: true });
    const texts = this.declarationsOf(file, name).map((one) => printer.printNode(ts.EmitHint.Unspecified, one, source));
    const text = texts.join('\n').replaceAll(/^export (declare )?|^declare /gm, '');
    return alias === name ? text : `${alias} = ${text}`;
  }

  declarationsOf(file, name) {
    return this.sourceOf(file).statements.filter((one) => namesOf(one).includes(name));
  }

  sourceOf(file) {
    let source = this.files.get(file);
    if (!source) this.files.set(file, (source = declarationFile(file)));
    return source;
  }

  resolve(file, specifier) {
    return join(dirname(file), specifier).replace(/\.js$/, '.ts');
  }
}

function declarationFile(file) {
  const { outputText } = ts.transpileDeclaration(readFileSync(file, 'utf8'), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      declaration: true,
      isolatedDeclarations: true,
      stripInternal: true,
      experimentalDecorators: true,
    },
  });
  return ts.createSourceFile(file, outputText, ts.ScriptTarget.Latest, true);
}

const isExported = (statement) => (statement.modifiers ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

function namesOf(statement) {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.text);
  return statement.name && ts.isIdentifier(statement.name) ? [statement.name.text] : [];
}

/** The name of a member or a parameter: no reference. */
function isMember(node) {
  const { parent } = node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  return (ts.isTypeElement(parent) || ts.isClassElement(parent) || ts.isParameter(parent)) && parent.name === node;
}

const report = apiReport();
if (process.argv.includes('--print')) process.stdout.write(JSON.stringify(report));
else {
  writeFileSync(REPORT, report.text);
  console.log(`${relative(ROOT, REPORT)}: ${report.files.length} files reached`);
}
