// Two projects: `unit` (virtual time, no process but this one) and `integration` (real sockets, files, processes).
const swc = [
  '@swc/jest',
  {
    swcrc: false,
    sourceMaps: 'inline',
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { decoratorVersion: '2022-03' },
    },
  },
];
const base = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': swc },
  testEnvironmentOptions: { customExportConditions: ['taskthread-source', 'node', 'node-addons'] },
};
module.exports = {
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['\\.integration\\.test\\.ts$'],
    },
    { ...base, displayName: 'integration', testMatch: ['<rootDir>/test/**/*.integration.test.ts'] },
  ],
  testTimeout: 30_000,
  // By default jest leaves one core idle, which on a machine with two is half of it.
  maxWorkers: '100%',
};
