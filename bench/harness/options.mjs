// The command line of `npm run bench` and its checks.
import { parseArgs } from 'node:util';

export class OptionError extends Error {}

export const HELP = `usage: npm run bench -- [part ...] [options]
  part                  what to measure: PARTS
                        (all of them)
  --rounds N            measurements of each contender, interleaved: at least 1 (5; with --quick 3)
  --quick               a tenth of the size
  --check               no timing: runs every program of ours and the floors once, on small sizes, in this order, and proves
                        that each counts right; installs nothing. Exit code 1 if one does not
  --large               also what takes gigabytes: a million threads
  --no-peers            taskthread and the floors only; installs nothing
  --only A,B            these contenders only; once more for each whose name has a comma
  --out DIR             where to write NAME.json and NAME.md (bench/results)
  --list                prints the workloads and their contenders
  --help                prints this`;

const OPTIONS = {
  rounds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  large: { type: 'boolean', default: false },
  'no-peers': { type: 'boolean', default: false },
  only: { type: 'string', multiple: true },
  out: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

export function readOptions(args, partNames) {
  const { values, positionals } = parseCommand(args, OPTIONS);
  for (const part of positionals) expect('part', part, partNames.includes(part), `one of ${partNames.join(', ')}`);
  const rounds = values.rounds ?? (values.quick ? '3' : '5');
  expect('--rounds', rounds, /^\d+$/.test(rounds) && Number(rounds) >= 1, 'a whole number of at least 1');
  const { only } = values;
  const isList = (value) => value.split(',').every((name) => name.trim() !== '');
  for (const value of only ?? []) expect('--only', value, isList(value), 'names of contenders, between commas');
  return {
    ...values,
    parts: positionals.length === 0 ? partNames : [...new Set(positionals)],
    rounds: Number(rounds),
    only,
    peers: !values['no-peers'] && !values.check,
  };
}

/** The words and options of a command line, whose options are given as `parseArgs` wants them. */
export function parseCommand(args, options) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    const names = Object.keys(options).map((name) => `--${name}`);
    throw new OptionError(`${error.message}\nExpected one of ${names.join(', ')}`);
  }
}

export function expect(name, value, holds, expected) {
  if (!holds) throw new OptionError(`${name} is "${value}", expected ${expected}`);
}
