// The machine and what runs on it, without which absolute figures say nothing.
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

export function describeMachine() {
  const [cpu] = cpus();
  return {
    node: process.version,
    v8: process.versions.v8,
    cpu: `${cpus().length} x ${cpu?.model.trim() ?? 'unknown CPU'}`,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    loadAverage: Number(loadavg()[0].toFixed(2)),
    commit: commit(),
    date: new Date().toISOString(),
  };
}

export function machineLine({ node, v8, cpu, memoryGb, system, loadAverage, commit, date }) {
  return `Node ${node} (V8 ${v8}), ${cpu}, ${memoryGb} GB, ${system}, load average ${loadAverage} before; commit ${commit}, ${date}`;
}

function commit() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}
