/** All programs that explore the core. */
import { type CoreProgram, corePrograms } from './programs.ts';
import { supervisionPrograms } from './supervision-programs.ts';
import { syncPrograms } from './sync-programs.ts';

export const everyProgram: readonly CoreProgram[] = [...corePrograms, ...supervisionPrograms, ...syncPrograms];
