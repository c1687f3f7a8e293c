/** What the compiler leaves undone. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The CommonJS pass: the package says `"type": "module"`, so the folder must say what it is. */
export function finishCommonJs(folder) {
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}\n');
}

/** Programs of the package can be run by their name, as `npm` does with a linked or packed one. */
export function finishPrograms(folder) {
  chmodSync(join(folder, 'check/main.js'), 0o755);
}
