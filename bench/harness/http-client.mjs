// A worker that sends one request after the other over one connection, and says how long each took.
import { Agent, get } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const requests = [];
let over = false;

function request() {
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    const options = { host: '127.0.0.1', port: workerData.port, agent };
    const sent = get(options, (response) => {
      response.resume();
      response.on('end', () => resolve(performance.now() - sentAt));
    });
    sent.on('error', reject);
  });
}

async function measure() {
  do requests.push(await request());
  while (!over);
  agent.destroy();
  parentPort.postMessage({ kind: 'measured', requests });
}

parentPort.on('message', (message) => {
  if (message === 'begin') void measure();
  else over = true;
});
await request();
parentPort.postMessage({ kind: 'ready' });
