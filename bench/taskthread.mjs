// The package by its public name, as its users get it. (`bench/package.json` makes this folder a package of its own, from which
// `import 'taskthread'` would look into the wrong place; a name is resolved from the root instead.) Add the names that you use.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const root = createRequire(new URL('../package.json', import.meta.url));

export const { Event, Lock, Queue, Semaphore, start, TaskThread } = await import(
  pathToFileURL(root.resolve('taskthread')).href
);

export const { explore } = await import(pathToFileURL(root.resolve('taskthread/testing')).href);
