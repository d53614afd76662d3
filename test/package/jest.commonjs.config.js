import config from './jest.config.js';

/**
 * As jest.config.js, but Jest as Nest 11 generates it: everything is CommonJS, and the library is what `require` gives, dist/cjs.
 *
 * @type {import('jest').Config}
 */
export default {
  ...config,
  extensionsToTreatAsEsm: [],
  moduleNameMapper: {
    '^(?:\\.\\./)+lib/(.*)\\.js$': '<rootDir>/dist/cjs/$1.js',
    '^nestjs-redis-cache$': '<rootDir>/dist/cjs/index.js',
    '^nestjs-redis-cache/microservices$': '<rootDir>/dist/cjs/invalidation/index.js',
    '^nestjs-redis-cache/(.*)$': '<rootDir>/dist/cjs/$1/index.js',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: { '^.+\\.ts$': '<rootDir>/test/package/commonjs-transform.cjs' },
  modulePathIgnorePatterns: ['<rootDir>/dist-sample', '<rootDir>/.services'],
};
