// Pipeline: TCP → frames → two websocket destinations and a database, against a program by hand that does the same. It has its
// own harness, because each measurement is five processes.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../pipeline/compare.mjs', import.meta.url));

export const workloads = [];

const SIZES = {
  check: ['--rounds', '1', '--small-frames', '2000', '--large-frames', '4'],
  quick: ['--small-frames', '20000', '--large-frames', '40'],
  full: [],
};

/** Resolves with tables and figures; rejects when a frame was lost. */
export async function runByItself({ check, quick, rounds, progress, running }) {
  const size = check ? SIZES.check : [...SIZES[quick ? 'quick' : 'full'], '--rounds', `${rounds}`];
  const child = spawn(process.execPath, [program, '--json', ...size], { stdio: ['ignore', 'pipe', 'pipe'] });
  running(child);
  const lines = [];
  const errors = [];
  child.stderr.on('data', (data) => errors.push(data));
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    progress(`pipeline: ${line.slice(0, 100)}`);
  });
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`pipeline: exit code ${code}: ${Buffer.concat(errors).toString().trim()}`);
  const result = JSON.parse(lines.pop());
  const markdown = lines.slice(lines.findIndex((line) => line.startsWith('###'))).join('\n');
  return { result, markdown };
}
