/**
 * Whether a signal may carry a reply, as far as that can be seen from outside. Pure. Who is asked for a request may have handed its
 * reply on, and then others can answer (law 8): so what cannot be known counts as *may*.
 */

/** So many values are looked at, of all signals that are asked about together; what is left then may carry anything. */
export class Looks {
  left = 10_000;
}

/**
 * True where the reply is the signal or is found in it: in properties, lists, maps and sets, at any depth. True also where a function
 * is found, which may know it. What a class keeps in private fields is not seen.
 */
export function mayCarry(signal: unknown, reply: unknown, looks: Looks = new Looks()): boolean {
  const found: unknown[] = [signal];
  const seen = new Set<object>();
  try {
    for (let i = 0; i < found.length; i++) {
      const value = found[i];
      if (value === reply || typeof value === 'function') return true;
      if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) continue;
      seen.add(value);
      for (const part of partsOf(value)) {
        if (--looks.left < 0) return true;
        found.push(part);
      }
    }
  } catch {
    // A getter of the user's has thrown.
    return true;
  }
  return false;
}

function* partsOf(value: object): Generator<unknown> {
  if (value instanceof Map) for (const pair of value) yield* pair;
  else if (Array.isArray(value) || value instanceof Set) yield* value as Iterable<unknown>;
  else yield* Object.values(value);
}
