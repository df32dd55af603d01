// One file as `git format-patch` writes it: a mail with a commit message and a diff. Pure: what is
// wrong with a header can be told on a machine without Go, git or network.

/** What a patch file holds, as far as verifying needs it. */
export interface PatchFile {
  /** From the folder of patches, such as `kube-apiserver/v0.34.4/0001-verb.patch`. */
  readonly path: string;
  readonly text: string;
  /** Without `[PATCH]`. Empty when there is none. */
  readonly subject: string;
  /** The message without subject and trailers. */
  readonly why: string;
  /** By name, in the order of the header. */
  readonly trailers: ReadonlyMap<string, readonly string[]>;
  /** Paths that the diff touches, from the root of the source. */
  readonly files: readonly string[];
}

/** What a test patch says about its test. */
export interface TestPlan {
  /** Go package patterns, such as `./pkg/server/filters`. */
  readonly packages: readonly string[];
  /** The pattern of `go test -run`. */
  readonly run: string;
  /** Further flags of `go test`, such as `-race`. */
  readonly flags: readonly string[];
  /** Each has to match a line of what the test says without the change. */
  readonly failsWith: readonly RegExp[];
}

// What git itself recommends is 50; Kubernetes' subjects are longer than that in practice.
const MAX_SUBJECT_LENGTH = 76;
// Less than this says what, and not why.
const MIN_WHY_WORDS = 25;
const TRAILER = /^([A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)*): (.+)$/;
// One that quotes an upstream state has to lead there.
const STATUS = /^(not sent|sent https:\/\/\S+|merged in v\d\S*)( \(.+\))?$/;
const ISSUE = /^(https:\/\/\S+|none found)( \(.+\))?$/;
const PACKAGE = /^\.\/[\w./-]+$/;
const TEST_PATH = /_test\.go$|(^|\/)testdata\//;

export function parsePatchFile(path: string, text: string): PatchFile {
  const end = text.search(/^---$/m);
  const mail = (end < 0 ? text : text.slice(0, end)).split('\n');
  const blank = mail.indexOf('');
  // A header field goes on in the lines that begin with a space (RFC 5322, section 2.2.3).
  const fields = mail
    .slice(0, blank)
    .join('\n')
    .replace(/\n[ \t]+/g, ' ');
  const subject = /^Subject: \[PATCH[^\]]*\] (.*)$/m.exec(fields)?.[1] ?? '';
  const message = mail
    .slice(blank + 1)
    .join('\n')
    .trim();
  const paragraphs = message.split(/\n{2,}/);
  const trailers = parseTrailers(paragraphs.at(-1) ?? '');
  const why = (trailers.size > 0 ? paragraphs.slice(0, -1) : paragraphs).join('\n\n');
  return { path, text, subject, why, trailers, files: changedFiles(text) };
}

function parseTrailers(paragraph: string): Map<string, string[]> {
  const trailers = new Map<string, string[]>();
  for (const line of paragraph.split('\n')) {
    const [, name = '', value = ''] = TRAILER.exec(line) ?? [];
    // As git has it: a last paragraph with any other line in it is prose, and not trailers.
    if (name === '') return new Map();
    trailers.set(name, [...(trailers.get(name) ?? []), value]);
  }
  return trailers;
}

function changedFiles(text: string): string[] {
  const pairs = [...text.matchAll(/^diff --git a\/(\S+) b\/(\S+)$/gm)];
  return [...new Set(pairs.flatMap(([, from = '', to = '']) => [from, to]))];
}

/** What is wrong with the header of a change, a test or a revert; nothing when it is good. */
export function findHeaderProblems(patch: PatchFile): string[] {
  const [component = '', version = ''] = patch.path.split('/');
  const { subject, why } = patch;
  const words = why.split(/\s+/).filter(Boolean).length;
  const problems: string[] = [];
  if (!/^From [0-9a-f]{40} /.test(patch.text)) problems.push('not in the form of git format-patch');
  if (subject === '') problems.push('no subject');
  if (subject.length > MAX_SUBJECT_LENGTH) {
    problems.push(`subject has ${subject.length} characters, at most ${MAX_SUBJECT_LENGTH}`);
  }
  if (subject.endsWith('.')) problems.push('subject ends with a full stop');
  if (words < MIN_WHY_WORDS) {
    problems.push(`says why in ${words} words, at least ${MIN_WHY_WORDS}`);
  }
  if (patch.files.length === 0) problems.push('changes no file');
  return [
    ...problems,
    ...checkTrailer(patch, 'Component', (value) => value === component, component),
    ...checkTrailer(
      patch,
      'Upstream-Issue',
      (value) => ISSUE.test(value),
      'a link or "none found"',
    ),
    ...checkTrailer(
      patch,
      'Upstream-Status',
      (value) => STATUS.test(value),
      '"not sent", "sent <link>" or "merged in <tag>"',
    ),
    ...checkTrailer(patch, 'Verified-On', (value) => value === version, version),
  ].map((problem) => `${patch.path}: ${problem}`);
}

function checkTrailer(
  { trailers }: PatchFile,
  name: string,
  good: (value: string) => boolean,
  expected: string,
): string[] {
  const values = trailers.get(name) ?? [];
  if (values.length === 0) return [`trailer ${name} is missing`];
  return values
    .filter((value) => !good(value))
    .map((value) => `trailer ${name}: expected ${expected}, got "${value}"`);
}

/** What is wrong with what a patch changes, or with what a test patch says about its test. */
export function findContentProblems(patch: PatchFile, isTest: boolean): string[] {
  const wrong = patch.files.filter((file) => TEST_PATH.test(file) !== isTest);
  const problems = wrong.map((file) => `${file} belongs into the ${isTest ? 'change' : 'test'}`);
  if (isTest) problems.push(...findPlanProblems(patch));
  return problems.map((problem) => `${patch.path}: ${problem}`);
}

function findPlanProblems(patch: PatchFile): string[] {
  const required = ['Test-Package', 'Test-Run', 'Fails-With'];
  const missing = required
    .filter((name) => !patch.trailers.has(name))
    .map((name) => `trailer ${name} is missing`);
  const patterns = ['Test-Run', 'Fails-With'].flatMap((name) =>
    (patch.trailers.get(name) ?? [])
      .filter((value) => compile(value) === undefined)
      .map((value) => `trailer ${name}: not a regular expression: "${value}"`),
  );
  const packages = (patch.trailers.get('Test-Package') ?? [])
    .filter((value) => !PACKAGE.test(value))
    .map((value) => `trailer Test-Package: expected a path like ./pkg/server, got "${value}"`);
  return [...missing, ...patterns, ...packages];
}

/** Of a test patch without problems. */
export function testPlan({ trailers }: PatchFile): TestPlan {
  const [run = ''] = trailers.get('Test-Run') ?? [];
  return {
    packages: trailers.get('Test-Package') ?? [],
    run,
    flags: (trailers.get('Test-Flags') ?? []).flatMap((flags) => flags.split(' ')),
    failsWith: (trailers.get('Fails-With') ?? []).flatMap((source) => compile(source) ?? []),
  };
}

function compile(source: string): RegExp | undefined {
  try {
    return new RegExp(source);
  } catch {
    return undefined;
  }
}
