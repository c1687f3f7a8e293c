// Median and range: what else runs on the machine disturbs single runs, and one disturbed run must not show.

export function summary(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return { median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2, min: sorted[0], max: sorted.at(-1) };
}

/** Of the ratios of each round, not the ratio of the medians: rounds are interleaved, so what disturbs one disturbs both. */
export function ratioSummary(numbers, base) {
  return summary(numbers.map((number, round) => number / base[round]));
}

export function percentiles(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5), p99: at(0.99), 'p99.9': at(0.999) };
}
