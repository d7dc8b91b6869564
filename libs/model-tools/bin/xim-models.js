#!/usr/bin/env node
// A clone runs the source; a published package holds `dist` alone.
import { existsSync } from 'node:fs';

const source = new URL('../src/bin.ts', import.meta.url);
if (existsSync(source)) {
  const { runSource } = await import(new URL('../../../tools/start/run-source.mjs', import.meta.url).href);
  runSource(source);
} else await import('../dist/bin.js');
