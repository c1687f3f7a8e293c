/** What `npm run explore` may be told. */
import type { CoreProgram } from './programs.ts';

export interface Wanted {
  readonly programs: readonly CoreProgram[];
  readonly minutes: number;
  /** The first seed. */
  readonly from: number;
}

const DEFAULT_MINUTES = 1;

export function helpText(programs: readonly CoreProgram[]): string {
  return `Explores schedules of the core until the time is over or a run fails.

  npm run explore -- [--minutes N] [--from SEED] [--only WORD]

  --minutes N    how long: ${DEFAULT_MINUTES}
  --from SEED    the first seed; default: by the time of day, so that each run tries others
  --only WORD    programs with this word in their name

Programs: ${programs.map(({ name }) => name).join(', ')}.
Exit codes: 0 nothing found, 1 a run failed (its report is printed), 2 wrong use, 130 interrupted by Ctrl-C.
`;
}

export function parseArguments(
  words: readonly string[],
  programs: readonly CoreProgram[],
): Wanted | { readonly help: true } | { readonly wrong: string } {
  let minutes = DEFAULT_MINUTES;
  let from = Math.floor(Date.now() / 1000) % 1_000_000_000;
  let only = '';
  for (let i = 0; i < words.length; i++) {
    const [word = '', value = ''] = [words[i], words[i + 1]];
    if (word === '--help' || word === '-h') return { help: true };
    i++;
    if (word === '--only') only = value;
    else if (word === '--minutes' && Number(value) > 0) minutes = Number(value);
    else if (word === '--from' && /^\d+$/.test(value)) from = Number(value);
    else return { wrong: value === '' ? `${word} is not known, or needs a value` : `${word} ${value} is not known` };
  }
  const chosen = programs.filter(({ name }) => name.includes(only));
  return chosen.length === 0 ? { wrong: `no program has “${only}” in its name` } : { programs: chosen, minutes, from };
}
