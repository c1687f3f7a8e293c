/**
 * Where in the user's program a word of ours was called. Dear (some microseconds, and a text that is kept), so only a program
 * that asks for it pays: `traceWaits` of a root.
 */

/** So deep our own words go, and some of the user's. */
const FRAMES = 24;

/** The stack of this moment, a line for each frame, without our own frames at its top, and those of Node among them. */
export function callSite(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const frames = stack.split('\n').slice(1);
  // All of our files are below the folder that this folder is in, or `floors` of the built package; where somebody bundles them
  // once more, nothing can be left out.
  const ours = /\(?([^(]*[/\\])(?:kernel[/\\]call-site|floors[/\\]kernel)\./
    .exec(frames[0] ?? '')?.[1]
    ?.replace(/^\s*at /, '');
  const isUsers = (frame: string) => !frame.includes(ours!) && !/[( ]node:|\(<anonymous>\)$/.test(frame);
  const first = ours === undefined ? 0 : frames.findIndex(isUsers);
  return frames
    .slice(Math.max(0, first))
    .map((frame) => frame.trim())
    .join('\n');
}
