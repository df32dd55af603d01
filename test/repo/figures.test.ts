import { expect, test } from 'vitest';
import { reportFigure } from '../figures.ts';

test('figures stand in the meta data of the running test, added up by name', ({ task }) => {
  reportFigure('requests', 100);
  reportFigure('requests', 50);
  reportFigure('exceptions', 0);
  expect(task.meta.figures).toEqual({ requests: 150, exceptions: 0 });
});
