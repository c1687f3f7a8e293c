import { writeFileSync } from 'node:fs';
writeFileSync('dist/cjs/package.json', '{"type":"commonjs"}\n');
writeFileSync(
  'dist/cjs/here.js',
  "'use strict';\nexports.hereUrl = require('node:url').pathToFileURL(__filename).href;\n",
);
