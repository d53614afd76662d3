/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/test/support/environment.mjs',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // the sample imports the package by its name; under test that is the source
    '^nestjs-redis-cache$': '<rootDir>/lib/index.ts',
    '^nestjs-redis-cache/microservices$': '<rootDir>/lib/invalidation/index.ts',
    '^nestjs-redis-cache/(.*)$': '<rootDir>/lib/$1/index.ts',
  },
  // one Kafka broker for the suites that need one, started when the first of them asks
  globalSetup: '<rootDir>/test/support/kafka/keeper.mjs',
  globalTeardown: '<rootDir>/test/support/kafka/keeper-end.mjs',
  transform: { '^.+\\.ts$': '<rootDir>/test/support/transform.mjs' },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/dist-sample', '<rootDir>/.services'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/package/fixtures/'],
  // twice the two cores of CI: suites wait for servers and for time to pass, most of all the long ones
  maxWorkers: 4,
  // the modules of a suite stay in the memory of its worker: 170 of them would slow the last ones down
  workerIdleMemoryLimit: '1GB',
  // ms. A worker is idle at once, and Node takes 0.3 s to give up its gigabyte: more where four end on two busy cores
  workerGracefulExitTimeout: 5_000,
  // a guard against tests that hang, not a measure: machines of CI are slow and shared
  testTimeout: 30_000,
  // long suites first, so that the other worker does the short ones beside them
  testSequencer: '<rootDir>/test/support/long-suites-first.mjs',
  coverageProvider: 'v8',
  collectCoverageFrom: ['lib/**/*.ts'],
};
