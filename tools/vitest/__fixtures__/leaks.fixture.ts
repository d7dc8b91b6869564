import { spawn } from 'node:child_process';
import { it } from 'vitest';

it('passes, and leaves a process and a line', () => {
  spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();
  console.log('a line that nobody expects');
});
