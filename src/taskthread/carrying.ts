/**
 * Whether a signal may carry a reply, as far as that can be seen from outside. Pure. Who is asked for a request may have handed its
 * reply on, and then others can answer (law 8): so what cannot be known counts as *may*.
 */

/** So much of one signal is looked at; what is larger may carry anything. */
const MOST_LOOKED_AT = 256;

/**
 * True where the reply is the signal or is found in it: in properties, lists, maps and sets, at any depth. True also where a function
 * is found, which may know it. What a class keeps in private fields is not seen.
 */
export function mayCarry(signal: unknown, reply: unknown): boolean {
  const found: unknown[] = [signal];
  const seen = new Set<unknown>();
  for (let i = 0; i < found.length; i++) {
    const value = found[i];
    if (value === reply || typeof value === 'function' || i === MOST_LOOKED_AT) return true;
    if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) continue;
    seen.add(value);
    if (value instanceof Map) found.push(...value.keys());
    found.push(...(value instanceof Map || value instanceof Set ? value.values() : Object.values(value)));
  }
  return false;
}
