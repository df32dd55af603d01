import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ExpositionError,
  type ExpositionLimits,
  ExpositionParser,
  type ExpositionPiece,
} from '../../../proxy/observe/replica-exposition.ts';

const LIMITS: ExpositionLimits = { maxBytes: 1_000_000, maxLineBytes: 1000, maxLines: 10_000 };

/** Everything that comes out of a text that arrives in these pieces. */
function parse(chunks: readonly Buffer[], limits: Partial<ExpositionLimits> = {}) {
  const parser = new ExpositionParser({ ...LIMITS, ...limits });
  const pieces = chunks.flatMap((chunk) => parser.push(chunk));
  return [...pieces, ...parser.finish()];
}

/** As one piece for each family. */
function families(pieces: readonly ExpositionPiece[]) {
  const all: { family: string; type: string; comments: string; samples: string }[] = [];
  for (const { family, type, comments, samples } of pieces) {
    const last = all.at(-1);
    if (last?.family === family && comments.length === 0) last.samples += samples.toString();
    else all.push({ family, type, comments: String(comments), samples: String(samples) });
  }
  return all;
}

function familiesOf(text: string) {
  return families(parse([Buffer.from(text)]));
}

test('a family has its comments, and the samples of a histogram', () => {
  const text = [
    '# HELP http_seconds How long "it" took.',
    '# TYPE http_seconds histogram',
    'http_seconds_bucket{le="0.5"} 1',
    'http_seconds_bucket{le="+Inf"} 2',
    'http_seconds_sum 3.5',
    'http_seconds_count 2',
    '# HELP up Whether.',
    '# TYPE up gauge',
    'up 1 1700000000000',
    '',
  ].join('\n');
  expect(familiesOf(text)).toEqual([
    {
      family: 'http_seconds',
      type: 'histogram',
      comments: text.slice(0, text.indexOf('http_seconds_bucket')),
      samples: text.slice(text.indexOf('http_seconds_bucket'), text.indexOf('# HELP up')),
    },
    {
      family: 'up',
      type: 'gauge',
      comments: '# HELP up Whether.\n# TYPE up gauge\n',
      samples: 'up 1 1700000000000\n',
    },
  ]);
});

test('a suffix makes no family member of a gauge, and a longer name is another family', () => {
  const names = familiesOf(
    '# TYPE a gauge\na 1\na_count 2\na_counter 3\n# TYPE b summary\nb_sum 1\nb_bucket 2\nb{x="1"} 1\n',
  ).map(({ family, type }) => `${family} ${type}`);
  expect(names).toEqual([
    'a gauge',
    'a_count untyped',
    'a_counter untyped',
    'b summary',
    'b_bucket untyped',
    'b untyped',
  ]);
});

test('blank lines and other comments are no samples, and the last line feed may be missing', () => {
  expect(familiesOf('\n# only a remark\nup 1\n\n\n# EOF\nup 2')).toEqual([
    { family: 'up', type: 'untyped', comments: '# only a remark\n', samples: 'up 1\n' },
    { family: 'up', type: 'untyped', comments: '# EOF\n', samples: 'up 2\n' },
  ]);
});

test('a family without samples keeps its comments', () => {
  const pieces = familiesOf('# TYPE a gauge\n# TYPE b gauge\nb 1\n# TYPE c gauge\n');
  expect(pieces.map(({ comments, samples }) => comments + samples)).toEqual([
    '# TYPE a gauge\n',
    '# TYPE b gauge\nb 1\n',
    '# TYPE c gauge\n',
  ]);
});

test.each(['{x="1"} 1', '1a 2', 'nameonly', '-', 'ü 1', '<html>', 'a-b 1', ' up 1'])(
  'a line that is no sample is named with its number: %s',
  (line) => {
    expect(() => familiesOf(`up 1\n${line}\n`)).toThrow(ExpositionError);
    expect(() => familiesOf(`up 1\n${line}\n`)).toThrow(/^line 2 is no sample: /);
  },
);

test('length, line length and number of lines are bounded, however the text comes', () => {
  const text = `up{x="${'y'.repeat(50)}"} 1\n`.repeat(3);
  const chunks = [...Buffer.from(text)].map((byte) => Buffer.from([byte]));
  for (const pieces of [[Buffer.from(text)], chunks]) {
    expect(parse(pieces).length).toBeGreaterThan(0);
    expect(() => parse(pieces, { maxBytes: text.length - 1 })).toThrow('is longer than');
    expect(() => parse(pieces, { maxLineBytes: 40 })).toThrow('line 1 is over 40 bytes');
    expect(() => parse(pieces, { maxLines: 2 })).toThrow('has more than 2 lines');
  }
});

const name = fc.stringMatching(/^[a-z_:][a-z0-9_:]{0,8}$/);
const label = fc.tuple(
  fc.stringMatching(/^[a-z_][a-z0-9_]{0,6}$/),
  fc.string({ unit: fc.constantFrom('a', 'ü', '\\\\', '\\"', '\\n', '{', '}', ',', ' ', '#') }),
);
const sampleTail = fc
  .tuple(fc.array(label, { maxLength: 3 }), fc.constantFrom('1', 'NaN', '+Inf', '-2.5e-07 17'))
  .map(([labels, value]) => {
    const inner = labels.map(([key, text]) => `${key}="${text}"`).join(',');
    return `${labels.length > 0 ? `{${inner}}` : ''} ${value}\n`;
  });
const type = fc.constantFrom('counter', 'gauge', 'histogram', 'summary', 'untyped');
/** A family as a server would write it. */
const block = fc
  .tuple(name, type, fc.array(sampleTail, { minLength: 1, maxLength: 4 }))
  .map(([family, kind, tails]) => {
    const suffix = kind === 'histogram' ? '_bucket' : '';
    const samples = tails.map((tail) => `${family}${suffix}${tail}`).join('');
    const comments = `# HELP ${family} Some {help}.\n# TYPE ${family} ${kind}\n`;
    return { family, type: kind, comments, samples };
  });

test('any families come out as they went in, however the text is cut', () => {
  const blocks = fc.uniqueArray(block, { selector: ({ family }) => family, maxLength: 6 });
  fc.assert(
    fc.property(blocks, fc.array(fc.nat(), { maxLength: 10 }), (list, offsets) => {
      const text = Buffer.from(list.map(({ comments, samples }) => comments + samples).join(''));
      const cuts = [0, ...offsets.map((at) => at % (text.length + 1)), text.length].toSorted(
        (a, b) => a - b,
      );
      const chunks = cuts.slice(1).map((end, i) => text.subarray(cuts[i] ?? 0, end));
      expect(families(parse(chunks))).toEqual(list);
    }),
    { numRuns: 300 },
  );
});

test('no bytes make it fail in another way than by an ExpositionError', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .constantFrom('# TYPE a histogram\n', 'a_bucket', '{le="1"}', ' 1\n', '# HELP', '\n')
      .map((text) => new Uint8Array(Buffer.from(text))),
  );
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 8 }), (chunks) => {
      const whole = Buffer.concat(chunks);
      try {
        const pieces = parse(chunks.map((chunk) => Buffer.from(chunk)));
        const out = Buffer.concat(pieces.flatMap(({ comments, samples }) => [comments, samples]));
        // Nothing is invented and nothing but blank lines is lost.
        const lines = (text: Buffer): string[] =>
          text
            .toString('latin1')
            .split('\n')
            .filter((line) => line !== '')
            .toSorted();
        expect(lines(out)).toEqual(lines(whole));
      } catch (error) {
        expect(error).toBeInstanceOf(ExpositionError);
      }
    }),
    { numRuns: 500 },
  );
});
