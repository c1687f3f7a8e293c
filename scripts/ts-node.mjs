import { register } from 'node:module';
import { inspect } from 'node:util';
register('ts-node/esm', import.meta.url);
process.on('uncaughtException', (e) => {
  console.error(inspect(e));
  process.exit(1);
});
