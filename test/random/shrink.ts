/** Makes a failing program smaller: whatever can be left out, so that the same law is still broken, is left out. */
import type { Program } from './program.ts';
import { runProgram } from './run.ts';

type Path = readonly (string | number)[];

/** The places of everything that could be left out, the largest first. */
function* places(value: unknown, path: Path = []): Generator<Path> {
  if (Array.isArray(value)) {
    for (let i = value.length - 1; i >= 0; i--) yield [...path, i];
    for (let i = 0; i < value.length; i++) yield* places(value[i], [...path, i]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) yield* places(part, [...path, name]);
  }
}

function without(program: Program, path: Path): Program {
  const copy = structuredClone(program);
  let at: unknown = copy;
  for (const name of path.slice(0, -1)) at = (at as Record<string | number, unknown>)[name];
  if (Array.isArray(at)) at.splice(path[path.length - 1] as number, 1);
  return copy;
}

/** The smallest program found that still breaks the law, within so many tries. */
export async function shrink(program: Program, kind: string, tries = 600): Promise<Program> {
  let smallest = program;
  let smaller = true;
  while (smaller) {
    smaller = false;
    for (const path of [...places(smallest)]) {
      if (tries-- <= 0) return smallest;
      if (!exists(smallest, path)) continue;
      const candidate = without(smallest, path);
      const { violations } = await runProgram(candidate);
      if (!violations.some((violation) => violation.kind === kind)) continue;
      smallest = candidate;
      smaller = true;
    }
  }
  return smallest;
}

function exists(program: Program, path: Path): boolean {
  let at: unknown = program;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !(name in at)) return false;
    at = (at as Record<string | number, unknown>)[name];
  }
  return true;
}
