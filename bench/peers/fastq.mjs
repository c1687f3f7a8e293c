// fastq: a queue without bounds before a worker. The callback form for what needs no answer, the promise form for what does.
import fastq from 'fastq';

async function tell(work) {
  const arrivals = work.expectArrivals();
  const queue = fastq((n, done) => {
    arrivals.take(n);
    done(null);
  }, 1);
  work.begin();
  for (let n = 0; n < work.size; n++) queue.push(n);
  await work.ended;
}

async function tellAsync(work) {
  const arrivals = work.expectArrivals();
  const queue = fastq.promise(async (n) => {
    arrivals.take(n);
  }, 1);
  work.begin();
  for (let n = 0; n < work.size; n++) {
    const handled = queue.push(n);
    // So many at a time as a bounded queue would hold.
    if (n % 100 === 99) await handled;
  }
  await work.ended;
}

async function ask(work) {
  const queue = fastq.promise(async (n) => n + 1, 1);
  const arrivals = work.expectArrivals();
  work.begin();
  for (let n = 0; n < work.size; n++) arrivals.take((await queue.push(n)) - 1);
}

export const programs = { tell, 'tell, async handler': tellAsync, ask };
