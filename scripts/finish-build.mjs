/** The last step of the CommonJS pass: the package says `"type": "module"`, so the folder must say what it is. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function finishCommonJs(folder) {
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}\n');
}
