// Where signals are lost a program waits for ever. This tells it when nothing has arrived for some seconds.

const QUIET_S = 5;

/** Counts ticks, which do not come while the event loop is held: the time is of seconds in which something could have arrived. */
export function watchArrivals(work, lost) {
  let seen = 0;
  let quiet = 0;
  return setInterval(() => {
    if (work.arrivals === undefined || !work.begun) return;
    quiet = work.arrivals.count === seen ? quiet + 1 : 0;
    seen = work.arrivals.count;
    const problem = work.arrivals.problem();
    if (quiet >= QUIET_S && problem !== undefined) lost(`nothing has arrived for ${QUIET_S} s: ${problem}`);
  }, 1000);
}

/** One run of a program by itself. Throws what is wrong with what it delivered, and does not wait for what is lost. */
export async function runOnce(program, work, expected) {
  let watch;
  const lost = new Promise((_resolve, reject) => {
    watch = watchArrivals(work, (problem) => reject(new Error(problem)));
  });
  try {
    const counted = await Promise.race([program(work), lost]);
    const problem = work.problem(counted, expected);
    if (problem !== undefined) throw new Error(problem);
  } finally {
    clearInterval(watch);
  }
}
