import { defineConfig } from 'vitest/config';

const nodeModules = '**/node_modules/**';
// `expected [ Array(1) ] to deeply equal []`, as by default, does not say what was found; the JSON
// report, from which test/run.ts tells of failures, has this line and no difference.
const chaiConfig = { truncateThreshold: 1000 };

// unit: pure modules, no sockets. integration: sockets and the simulator. cluster: real components
// from .tools/bin, one file at a time because they share two cores with three kube-apiservers.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          chaiConfig,
          include: ['test/**/*.test.ts'],
          exclude: [nodeModules, 'test/cluster/**', 'test/integration/**'],
        },
      },
      {
        test: {
          name: 'integration',
          chaiConfig,
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'cluster',
          chaiConfig,
          include: ['test/cluster/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
