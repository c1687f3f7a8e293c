// The parts: each file of `../workloads` is one, named after the file.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../workloads/', import.meta.url);

export const partNames = readdirSync(folder)
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .sort();

export async function loadPart(name) {
  const url = new URL(`${name}.mjs`, folder);
  const { workloads, runByItself } = await import(url.href);
  return { name, file: fileURLToPath(url), workloads, runByItself };
}

const OURS = 'taskthread';

/**
 * Who is measured under a workload. Ours comes in both styles of sending, and each again in a process that has run twenty
 * other classes before; by its label it is told apart, everybody else's label is its name.
 */
export function contendersOf(workload, { peers = true, only, large = false } = {}) {
  const list = [];
  for (const name of Object.keys(workload.contenders)) {
    if (!large && workload.largeContenders?.includes(name)) continue;
    if (name !== OURS) list.push({ label: name, name, style: 'sync', manyClasses: false });
    else list.push(...ours(workload));
  }
  if (peers)
    for (const name of workload.peers ?? []) list.push({ label: name, name, style: 'sync', manyClasses: false });
  return only === undefined ? list : list.filter(({ label, name }) => only.includes(label) || only.includes(name));
}

function ours({ styles = false, classes = true }) {
  const list = [];
  for (const manyClasses of classes ? [false, true] : [false]) {
    for (const style of styles ? ['sync', 'await'] : ['sync']) {
      const label = [OURS, style === 'await' && 'await', manyClasses && '20 classes'].filter(Boolean).join(', ');
      list.push({ label, name: OURS, style, manyClasses });
    }
  }
  return list;
}
