// Results as Markdown, which reads well on a terminal too.

const FLOOR = 'floor';

export function tableOf(result) {
  const figures = [...new Set(result.contenders.flatMap(({ figures }) => Object.keys(figures ?? {})))];
  const withRatio = result.base !== undefined && !result.figuresOnly;
  const withGoal = result.contenders.some(({ mustReach }) => mustReach !== undefined);
  const withDelay = result.contenders.some(({ delayP99Ms }) => delayP99Ms !== undefined);
  const head = [''];
  if (!result.figuresOnly) head.push(`${result.unit}/s, median (range)`);
  if (result.ancestor !== undefined) head.push(`${result.unit}/s of processor time`);
  if (withRatio) head.push(`ratio to ${result.base} (range)`, 'ratio by CPU time (range)');
  if (withGoal) head.push('must reach');
  if (withDelay) head.push('loop delay p99, ms');
  head.push(...figures);
  const rows = result.contenders.map((contender) => {
    const { label, failed, perSecond, ratio, cpuRatio, mustReach, delayP99Ms } = contender;
    if (failed !== undefined) return [label, `not measured: ${failed.split('\n')[0]}`, ...head.slice(2).map(() => '')];
    const size = contender.size === result.size ? '' : ` (of ${count(contender.size)})`;
    const row = [label + size];
    if (!result.figuresOnly) row.push(spread(perSecond, rate));
    if (result.ancestor !== undefined) row.push(spread(contender.perCpuSecond, rate));
    if (withRatio) row.push(spread(ratio, twoDigits), spread(cpuRatio, twoDigits));
    if (withGoal) row.push(mustReach === undefined ? '' : mustReach.toFixed(2));
    if (withDelay) row.push(delayP99Ms === undefined ? '' : delayP99Ms.toFixed(1));
    for (const name of figures) {
      const figure = contender.figures[name];
      row.push(figure === undefined ? '' : spread(figure, figureText));
    }
    return row;
  });
  return `### ${result.title}\n\n${count(result.size)} ${result.unit}.${goalOf(result)}\n\n${markdown(head, rows)}\n`;
}

/** What the Python ancestor does, at its best, and how many times that is to be reached. */
function goalOf({ ancestor, unit }) {
  if (ancestor === undefined) return '';
  const { perSecond, times } = ancestor;
  return ` The ancestor: ${rate(perSecond)} ${unit}/s; ours must be ${times} times that, ${rate(perSecond * times)}.`;
}

/** Every peer under every workload, as ratios to the base. */
export function overviewOf(results) {
  const compared = results.filter(({ base, figuresOnly }) => base === FLOOR && !figuresOnly);
  if (compared.length < 2) return '';
  const labels = [...new Set(compared.flatMap(({ contenders }) => contenders.map(({ label }) => label)))];
  const head = ['', ...compared.map(({ workload }) => workload)];
  const table = (ratio) => {
    const cell = (label, { contenders }) => {
      const contender = contenders.find((other) => other.label === label);
      if (contender === undefined) return 'n/a';
      return contender[ratio] === undefined ? 'failed' : twoDigits(contender[ratio].median);
    };
    return markdown(
      head,
      labels.map((label) => [label, ...compared.map((result) => cell(label, result))]),
    );
  };
  return [
    '### Overview: ratios to the floor of the same run',
    table('ratio'),
    'The same by processor time, which what else runs on the machine disturbs less:',
    table('cpuRatio'),
  ].join('\n\n');
}

export function markdown(head, rows) {
  const widths = head.map((cell, i) => Math.max(3, cell.length, ...rows.map((row) => row[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function spread({ median, min, max }, text) {
  if (min === max) return text(median);
  return `${text(median)} (${text(min)} to ${text(max)})`;
}

function twoDigits(value) {
  return value.toFixed(2);
}

function rate(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e3) return `${(value / 1e3).toFixed(1)} k`;
  return value.toFixed(1);
}

function figureText(value) {
  if (Math.abs(value) >= 100) return count(Math.round(value));
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}

function count(value) {
  return value.toLocaleString('en-US');
}
