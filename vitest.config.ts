import { defineConfig } from 'vitest/config';

const nodeModules = '**/node_modules/**';
// By default this is `expected [ Array(1) ] to deeply equal []`, which does not say what was found.
const chaiConfig = { truncateThreshold: 200 };
// Of long values the lines that differ, and a few around them.
const diff = { expand: false };
const setupFiles = ['test/support/fixed-seed.ts'];
// What hangs must end; how quick a machine is with the rest must not decide anything.
const unitTimeoutMs = 20_000;
const socketTimeoutMs = 60_000;

// unit: pure modules, no sockets. integration: sockets and the simulator. cluster: real components
// from .tools/bin, one file at a time because they share two cores with three kube-apiservers.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          chaiConfig,
          diff,
          setupFiles,
          include: ['test/**/*.test.ts'],
          exclude: [nodeModules, 'test/cluster/**', 'test/integration/**'],
          testTimeout: unitTimeoutMs,
        },
      },
      {
        test: {
          name: 'integration',
          chaiConfig,
          diff,
          setupFiles,
          include: ['test/integration/**/*.test.ts'],
          testTimeout: socketTimeoutMs,
          hookTimeout: socketTimeoutMs,
        },
      },
      {
        test: {
          name: 'cluster',
          chaiConfig,
          diff,
          setupFiles,
          include: ['test/cluster/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
