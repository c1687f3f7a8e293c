/** The programs of this folder: small, and each with one real fault of concurrency, marked in its source. */
import type { SimulatedProgram, SimulationLimits } from '../../../src/testing/index.ts';
import { checkThenAct } from './check-then-act.ts';
import { countedTwice } from './counted-twice.ts';
import { crossedLocks } from './crossed-locks.ts';
import { doubleOpening } from './double-opening.ts';
import { doubleRelease } from './double-release.ts';
import { forgottenByACut } from './forgotten-by-a-cut.ts';
import { forgottenAwait } from './forgotten-await.ts';
import { lostAcknowledgement } from './lost-acknowledgement.ts';
import { lostUpdate } from './lost-update.ts';
import { lostWakeUp } from './lost-wake-up.ts';
import { messageAfterEnd } from './message-after-end.ts';
import { orderSwapped } from './order-swapped.ts';
import { staleCache } from './stale-cache.ts';
import { stopDuringRestart } from './stop-during-restart.ts';
import { unansweredForEver } from './unanswered-for-ever.ts';
import { wrongAnswer } from './wrong-answer.ts';

export interface PlantedBug {
  readonly name: string;
  readonly program: SimulatedProgram;
  /** What must be said besides seed and strategy for the fault to show. */
  readonly limits?: SimulationLimits;
  /** The same without the fault. */
  readonly mended?: SimulatedProgram;
}

export const plantedBugs: readonly PlantedBug[] = [
  { name: 'check then act', program: checkThenAct },
  {
    name: 'counted twice',
    program: countedTwice(false),
    mended: countedTwice(true),
    limits: { faults: { duplicate: 0.02 } },
  },
  { name: 'crossed locks', program: crossedLocks },
  { name: 'double opening', program: doubleOpening },
  { name: 'double release', program: doubleRelease },
  { name: 'forgotten await', program: forgottenAwait },
  {
    name: 'forgotten by a cut',
    program: forgottenByACut(false),
    mended: forgottenByACut(true),
    limits: { faults: { cut: 0.02 } },
  },
  { name: 'lost acknowledgement', program: lostAcknowledgement },
  { name: 'lost update', program: lostUpdate },
  { name: 'lost wake up', program: lostWakeUp },
  { name: 'message after end', program: messageAfterEnd },
  { name: 'order swapped', program: orderSwapped },
  { name: 'stale cache', program: staleCache },
  { name: 'stop during restart', program: stopDuringRestart },
  {
    name: 'unanswered for ever',
    program: unansweredForEver(false),
    mended: unansweredForEver(true),
    limits: { faults: { drop: 0.02 } },
  },
  { name: 'wrong answer', program: wrongAnswer, limits: { faults: { late: 0.1 } } },
];
