/** Which tests look for which faults, and how they say what they have found. */
import { coreFaults } from '../random/faults.ts';
import { syncFaults } from '../sync/exploration/faults.ts';
import { groupFaults } from '../taskthread/group-exploration/faults.ts';
import type { Fault } from './fault.ts';

export interface Hunt {
  readonly name: string;
  readonly faults: readonly Fault[];
  /** The pattern of the test files that look for them. */
  readonly tests: string;
  /** What these need besides `src`. */
  readonly folders: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where a failing run was found, from all that it printed. */
  readonly found: (output: string) => string | undefined;
}

export const hunts: readonly Hunt[] = [
  {
    name: 'random',
    faults: coreFaults,
    tests: 'test/random/random-programs',
    folders: ['test/random'],
    env: { COUNT: '1000', SHRINK: '0' },
    found(output) {
      const found = /1 seeds: (.*) \((\d+)\)/.exec(output);
      return found === null ? undefined : `at seed ${found[2]}: ${found[1]}`;
    },
  },
  {
    name: 'core',
    faults: coreFaults,
    tests: 'test/explore/core',
    folders: ['test/explore'],
    env: { SEEDS: '80' },
    found(output) {
      const found = /SimulationFailedError: (.*)\n *(seed \d+, .*)/.exec(output);
      return found === null ? undefined : `at ${found[2]}: ${found[1]}`;
    },
  },
  {
    name: 'sync',
    faults: syncFaults,
    tests: 'test/sync/exploration',
    folders: ['test/sync/exploration', 'test/random'],
    env: { COUNT: '400', SHRINK: '0' },
    found(output) {
      const models = [...output.matchAll(/● (.*) does what its model does.*\n\n\s*SEED=(\d+): (.*)/g)];
      if (models[0] === undefined) return undefined;
      const [, kind, seed, fault] = models[0];
      return `by ${models.length} models, the first ${kind} at seed ${seed}: ${fault}`;
    },
  },
  {
    name: 'groups',
    faults: groupFaults,
    tests: 'test/taskthread/group-exploration',
    folders: ['test/taskthread/group-exploration', 'test/sync/exploration'],
    env: { COUNT: '2000', SHRINK: '0' },
    found(output) {
      const found = /SEED=(\d+): (.*)/.exec(output);
      return found === null ? undefined : `at seed ${found[1]}: ${found[2]}`;
    },
  },
];
