/** The project speaks of itself: no file that git would commit names the machine or the registry that it was made on. */
import { execFileSync } from 'node:child_process';
import { listFiles, readText } from './repository.ts';

/** Written so that this file does not match itself. */
const TRACES: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a path of a machine', /(?<![\w.-])\/(?:work|root|farm)\//],
  ['a path of a home folder', /(?<![\w.-])\/home\/\w+\//],
  ['the address of a registry', /\b(?:registry\.(?:npmjs\.org|yarnpkg\.com|npmmirror\.com)|npm\.pkg\.github\.com)\b/],
  ['a resolved address', /"resolved":\s*"(?:http|git)/],
  ['an access token', /\b_auth(?:Token)?\s*=/],
];

/** The host of the registry in use here, which may be a mirror that nobody else knows. */
function registryHost(): string | undefined {
  try {
    const address = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8', stdio: 'pipe' }).trim();
    return new URL(address).hostname;
  } catch {
    return undefined;
  }
}

function tracesIn(file: string, text: string, host: string | undefined): string[] {
  return text.split('\n').flatMap((line, index) => {
    const found = TRACES.filter(([, pattern]) => pattern.test(line)).map(([what]) => what);
    if (host !== undefined && line.includes(host) && found.length === 0) found.push('the host of a registry');
    return found.map((what) => `${file}:${index + 1} has ${what}`);
  });
}

test('no file has a trace of the machine it was made on', () => {
  const host = registryHost();
  expect(listFiles().flatMap((file) => tracesIn(file, readText(file), host))).toEqual([]);
});

test.each([
  ['path', ['see /work', 'main/x.ts'].join('/'), 'a path of a machine'],
  ['path in a link', ['file:///root', 'x'].join('/'), 'a path of a machine'],
  ['home', ['cd /home', 'me', 'x'].join('/'), 'a path of a home folder'],
  ['registry', ['https://registry', 'npmjs', 'org/x'].join('.'), 'the address of a registry'],
  ['lock', ['"resolved": "', 'http://x/y.tgz"'].join(''), 'a resolved address'],
  ['mirror', 'https://mirror.example:8080/npm', 'the host of a registry'],
  ['token', ['//x/:_auth', 'Token=abc'].join(''), 'an access token'],
])('a trace is seen: %s', (_kind, line, what) => {
  expect(tracesIn('f', `first\n${line}\n`, 'mirror.example')).toEqual([`f:2 has ${what}`]);
});

test('words that only look like a trace are left alone', () => {
  expect(tracesIn('f', 'src/work/a.ts, frame/root/b, a/home/c/d, "resolved": true, npm registry', 'x.y')).toEqual([]);
});
