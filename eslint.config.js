import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Node's globals that plain scripts use; TypeScript files are checked by the compiler instead. */
const nodeGlobals = Object.fromEntries(
  ['process', 'console', 'Buffer', 'URL', 'setTimeout', 'clearTimeout', 'setImmediate', 'performance', 'fetch'].map(
    (name) => [name, 'readonly'],
  ),
);

/** Test names are present-tense sentences: `it('keeps the newest')`, not `it('should keep the newest')`. */
const noShould = ['Literal[value=/^should\\b/i]', 'TemplateLiteral[quasis.0.value.raw=/^should\\b/i]'].flatMap((name) =>
  ['callee.name=/^(it|test)$/', 'callee.callee.object.name=/^(it|test)$/', 'callee.tag.object.name=/^(it|test)$/'].map(
    (call) => ({
      selector: `CallExpression[${call}] > ${name}.arguments:first-child`,
      message: "A test's name says what happens, in the present tense and without 'should'.",
    }),
  ),
);

/** A skip carries its reason in the test's name and its condition in the code; a bare skip or a focus is never committed. */
const noFocus = {
  selector: 'MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(only|todo)$/]',
  message: 'Focused and planned tests are not committed.',
};

/** Unit tests never wait for real time: the clock is injected (test/support/fake-clock.ts). */
const realTime = ['setTimeout', 'setInterval'].map((name) => ({
  name,
  message: 'Unit tests own the time: inject a Clock and advance the FakeClock.',
}));

export default defineConfig(
  {
    ignores: [
      'dist/',
      'dist-*/',
      'coverage/',
      'node_modules/',
      '.services/',
      'test/package/fixtures/',
      'test/types/fixtures/',
    ],
  },
  js.configs.recommended,
  { languageOptions: { globals: nodeGlobals } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // the formatter leaves comments as they are
      'max-len': ['error', { code: 1_000, comments: 120, ignoreUrls: true, ignorePattern: '^ \\*  ' }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      '@typescript-eslint/no-explicit-any': 'off',
      // the compiler does this (noUnusedLocals, noUnusedParameters)
      '@typescript-eslint/no-unused-vars': 'off',
      '@typescript-eslint/no-empty-object-type': 'off',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      'no-restricted-syntax': ['error', { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'prefer-const': 'error',
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: {
      'no-console': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...noShould, noFocus],
      // tests of what must not compile, or of what comes from plain JavaScript
      '@typescript-eslint/no-unsafe-function-type': 'off',
      'no-sparse-arrays': 'off',
      'no-empty-pattern': 'off',
    },
  },
  {
    files: ['test/unit/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...realTime],
      'no-restricted-imports': ['error', { paths: ['node:timers', 'node:timers/promises', 'timers/promises'] }],
    },
  },
);
