// Starts the small examples as a reader does: by the command of package.json, or without the compiler, which has looked at all of
// them already (`npm run typecheck`).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportingProcess } from '../../examples/tcp-pipeline/demo/child-process.ts';
import { root, startProcess } from './pipeline-process.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { example: string } };
const [, ...documented] = scripts.example.split(' ');
const unchecked = ['--no-warnings', '--conditions=taskthread-source', '--import', './scripts/swc.mjs'];

/** By its path in the folder `examples`, without the ending. */
export function startExample(name: string, ...args: readonly string[]): ReportingProcess {
  return startProcess([join(root, 'examples', `${name}.ts`), ...args], [process.execPath, ...unchecked]);
}

export function startExampleAsDocumented(name: string, ...args: readonly string[]): ReportingProcess {
  return startProcess([join(root, 'examples', `${name}.ts`), ...args], [process.execPath, ...documented]);
}
