// How a test hands a number on to the acceptance scenarios under prove/: vitest writes a test's meta
// data into its JSON report, where tools/vitest.ts reads it.
import type { TestContext } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    figures?: Record<string, number>;
  }
}

/**
 * Puts a number beside the result of the running test, such as how many requests were compared.
 * Call it once for each name; it counts only when the test passes.
 *
 * @example test('…', ({ task }) => reportFigure(task, 'requests', cases.length))
 */
export function reportFigure(task: TestContext['task'], name: string, value: number): void {
  task.meta.figures = { ...task.meta.figures, [name]: value };
}
