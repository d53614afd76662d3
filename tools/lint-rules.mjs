// ESLint's own rules as a plugin of oxlint: `eslint-js/…` and `eslint-js/typescript-…` in .oxlintrc.json. oxlint parses
// once for all of them; where it has such a rule itself, that one sees less (docs/decisions/0061).
import { builtinRules } from 'eslint/use-at-your-own-risk';
import tseslint from 'typescript-eslint';

const TYPESCRIPT = [
  'ban-ts-comment',
  'consistent-type-imports',
  'no-array-constructor',
  'no-duplicate-enum-values',
  'no-misused-new',
  'no-namespace',
  'no-unsafe-declaration-merging',
  'no-unused-expressions',
  'prefer-as-const',
  'prefer-namespace-keyword',
];

/** What the parser of typescript-eslint says of each file: as in tsconfig.base.json. */
const SERVICES = {
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  program: null,
  esTreeNodeToTSNodeMap: new Map(),
  tsNodeToESTreeNodeMap: new Map(),
};

/** The rule, knowing the compiler's options: where decorators stand, one leaves imports alone. */
function withOptions(rule) {
  const create = (context) => {
    const sourceCode = Object.create(context.sourceCode, { parserServices: { value: SERVICES } });
    return rule.create(Object.create(context, { sourceCode: { value: sourceCode } }));
  };
  return { ...rule, create };
}

export default {
  meta: { name: 'eslint-js' },
  rules: {
    ...Object.fromEntries(builtinRules),
    ...Object.fromEntries(TYPESCRIPT.map((name) => [`typescript-${name}`, withOptions(tseslint.plugin.rules[name])])),
  },
};
