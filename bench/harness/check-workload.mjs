// The short form: one small run of everything that is ours, to prove that it runs and counts right. Says nothing of speed.
import { Contender, ContenderFailed } from './contender.mjs';
import { once } from './measure-workload.mjs';

const CHECK_SIZE = 500;

/** What is wrong, a line each. */
export async function checkPart(part, contendersOf, progress) {
  const wrong = [];
  let process = new Contender(part.file, part.name);
  await process.ready();
  for (const workload of part.workloads) {
    for (const contender of contendersOf(workload)) {
      const name = `${workload.name}: ${contender.label}`;
      progress(name);
      try {
        await once(workload, { ...contender, process }, workload.checkSize ?? Math.min(CHECK_SIZE, workload.size));
      } catch (error) {
        if (!(error instanceof ContenderFailed)) throw error;
        wrong.push(`${name}: ${error.message}`);
        process.end();
        process = new Contender(part.file, part.name);
        await process.ready();
      }
    }
  }
  process.end();
  return wrong;
}
