/** All programs that explore the core. */
import { carryingPrograms } from './carrying-programs.ts';
import { groupPrograms } from './group-programs.ts';
import { type CoreProgram, corePrograms } from './programs.ts';
import { supervisionPrograms } from './supervision-programs.ts';
import { syncPrograms } from './sync-programs.ts';

export const everyProgram: readonly CoreProgram[] = [
  ...corePrograms,
  ...carryingPrograms,
  ...supervisionPrograms,
  ...syncPrograms,
  ...groupPrograms,
];
