import { defineConfig } from 'vitest/config';

const nodeModules = '**/node_modules/**';
// By default this is `expected [ Array(1) ] to deeply equal []`, which does not say what was found.
const chaiConfig = { truncateThreshold: 200 };
// Of long values the lines that differ, and a few around them.
const diff = { expand: false };

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
          include: ['test/**/*.test.ts'],
          exclude: [nodeModules, 'test/cluster/**', 'test/integration/**'],
        },
      },
      {
        test: {
          name: 'integration',
          chaiConfig,
          diff,
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'cluster',
          chaiConfig,
          diff,
          include: ['test/cluster/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
