// How a test hands a number on to the acceptance scenarios under prove/: vitest writes a test's meta
// data into its JSON report, where tools/vitest.ts reads it.
import { TestRunner } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    figures?: Record<string, number>;
  }
}

/**
 * Puts a number beside the result of the running test, such as how many requests were compared.
 * Numbers of one name are added up over the tests of a file, and count only of tests that pass.
 *
 * @example reportFigure('requests', cases.length)
 */
export function reportFigure(name: string, value: number): void {
  const { meta } = TestRunner.getCurrentTest() ?? {};
  if (meta === undefined) throw new Error(`figure "${name}": no test is running`);
  meta.figures = { ...meta.figures, [name]: (meta.figures?.[name] ?? 0) + value };
}
