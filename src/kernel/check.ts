/**
 * Checks of options and arguments. Each returns the value it was given, or throws an `InvalidOptionError` that names the
 * field, the value and what was expected. Defaults are applied by the callers' `resolveXOptions`, not here.
 */
import { InvalidOptionError } from './errors.ts';

/** A whole number between `min` and `max`, both included. */
export function wholeNumber(field: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new InvalidOptionError(field, value, `a whole number ${range}`);
}

/** A length of time in milliseconds: 0 or more, fractions allowed, finite. */
export function milliseconds(field: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidOptionError(field, value, 'a number of milliseconds, 0 or more');
}

/** A chance, from 0 to 1. */
export function chance(field: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new InvalidOptionError(field, value, 'a chance from 0 to 1');
}

/** A text that is not empty. */
export function text(field: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new InvalidOptionError(field, value, 'a text that is not empty');
}

/** One of a list of words. */
export function oneOf<T extends string>(field: string, value: unknown, words: readonly T[]): T {
  for (const word of words) if (word === value) return word;
  throw new InvalidOptionError(field, value, `one of ${words.join(', ')}`);
}

/** True or false, and nothing that only looks like it. */
export function trueOrFalse(field: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidOptionError(field, value, 'true or false');
}

/** A function. */
export function functionOf<T>(field: string, value: T): T {
  if (typeof value === 'function') return value;
  throw new InvalidOptionError(field, value, 'a function');
}

/** A function or nothing: `null` and `false` are neither. */
export function optionalFunction<T>(field: string, value: T | undefined): T | undefined {
  return value === undefined ? undefined : functionOf(field, value);
}

/** Refuses what is no object, and names that an options type does not have: a misspelt option is an error and not silence. */
export function knownFields(field: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidOptionError(field, options, `an object (known fields are: ${names.join(', ')})`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw new InvalidOptionError(
        `${field}.${name}`,
        (options as Record<string, unknown>)[name],
        `absent (known are: ${names.join(', ')})`,
      );
    }
  }
}
