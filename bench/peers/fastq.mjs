// fastq: a queue without bounds before a worker. The callback form for what needs no answer, the promise form for what does.
import fastq from 'fastq';

async function tell(work) {
  let next = 0;
  const queue = fastq((n, done) => {
    if (n === next && ++next === work.size) work.end();
    done(null);
  }, 1);
  work.begin();
  for (let n = 0; n < work.size; n++) queue.push(n);
  await work.ended;
  return next;
}

async function tellAsync(work) {
  let next = 0;
  const queue = fastq.promise(async (n) => {
    if (n === next && ++next === work.size) work.end();
  }, 1);
  work.begin();
  for (let n = 0; n < work.size; n++) {
    const handled = queue.push(n);
    // So many at a time as a bounded queue would hold.
    if (n % 100 === 99) await handled;
  }
  await work.ended;
  return next;
}

async function ask(work) {
  const queue = fastq.promise(async (n) => n + 1, 1);
  let answered = 0;
  work.begin();
  for (let n = 0; n < work.size; n++) if ((await queue.push(n)) === n + 1) answered++;
  work.end();
  return answered;
}

export const programs = { tell, 'tell, async handler': tellAsync, ask };
