/**
 * Values and thrown things in words, for messages and reports. Knows nothing of threads. Never throws, whatever it is given: it
 * is called while something else is being reported.
 */

const LONGEST = 200;

/** The message of anything thrown, also of what is no Error. */
export function messageOf(thrown: unknown): string {
  try {
    if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
      const message = String(thrown.message);
      // Node's AggregateError (no address of a host could be reached) says nothing but its code.
      return message === '' ? namedOnly(thrown) : message;
    }
  } catch {
    // A getter or a proxy that throws: described as a value is.
  }
  return describeValue(thrown);
}

/** So many of them: `1 row`, `2 rows`. Of things that have a plural in s. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** A value in one short line, as a person would write it. */
export function describeValue(value: unknown): string {
  try {
    const words = inWords(value);
    return words.length <= LONGEST ? words : `${words.slice(0, LONGEST)}…`;
  } catch {
    return 'a value that cannot be shown';
  }
}

function inWords(value: unknown): string {
  // Cut before it is quoted: what was given may be megabytes.
  if (typeof value === 'string') return JSON.stringify(value.length <= LONGEST ? value : value.slice(0, LONGEST + 1));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function ${String(value.name) || '(anonymous)'}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${counted(value.byteLength, 'byte')}`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return JSON.stringify(value) ?? Object.prototype.toString.call(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function namedOnly(error: object): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : '';
}
