#!/usr/bin/env node
/** The program `taskthread-check`; what it does is in `command`. */
import { runCheck } from './command.ts';

process.exitCode = runCheck(
  process.argv.slice(2),
  (line) => process.stdout.write(`${line}\n`),
  (line) => process.stderr.write(`${line}\n`),
);
