// A worker that a native engine takes down at the first question, and that answers the next.
import { existsSync, writeFileSync } from 'node:fs';

process.on('message', (question) => {
  const before = `${question}.died`;
  if (existsSync(before)) return process.send({ kind: 'equal' });
  writeFileSync(before, '');
  process.kill(process.pid, 'SIGSEGV');
});
process.send('ready');
