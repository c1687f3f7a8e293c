/**
 * The test kit outside of jest, as the built package: under node:test, in a bare script, and the same traces in every process and on
 * every Node. `OTHER_NODES=/path/to/node22:/path/to/node24 npx jest test/testing/outside` compares other versions too.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../house/repository.ts';

const run = promisify(execFile);
const folder = join(repositoryRoot, 'test/testing/outside');
/** A test runner inside a test runner must not think that it is a part of it. */
const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...env } = process.env;

async function outputOf(node: string, ...words: string[]): Promise<string> {
  const { stdout } = await run(node, words, { cwd: repositoryRoot, env });
  return stdout.trim();
}

test('works under node:test', async () => {
  const output = await outputOf(process.execPath, '--test', '--test-reporter=tap', join(folder, 'with-node-test.mjs'));
  expect(output).toContain('# pass 2');
  expect(output).toContain('# fail 0');
});

test('works without a test runner, and touches no global timer', async () => {
  expect(await outputOf(process.execPath, join(folder, 'bare-script.mjs'))).toBe('all well');
});

test('the traces of a hundred runs are the same in every process, and on every Node that is there', async () => {
  const others = (process.env['OTHER_NODES'] ?? '').split(':').filter((path) => path !== '');
  const digests = new Set<string>();
  for (const node of [process.execPath, process.execPath, ...others]) {
    digests.add(await outputOf(node, join(folder, 'traces.mjs')));
  }
  expect([...digests]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
}, 120_000);
