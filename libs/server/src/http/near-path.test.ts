import { expect, it } from 'vitest';
import { nearPath } from './near-path.ts';

const paths = [
  '/',
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/models',
  '/generate',
  '/health',
  '/v1/health/ready',
];

it.each([
  ['/v1/v1/chat/completions', '/v1/chat/completions'],
  ['/v1/v1/v1/models', '/v1/models'],
  ['//v1//chat/completions', '/v1/chat/completions'],
  ['/chat/completions', '/v1/chat/completions'],
  ['/completions', '/v1/completions'],
  ['/models', '/v1/models'],
  ['/v1/generate', '/generate'],
  ['/v1/health', '/health'],
  ['/openai/v1/models', '/v1/models'],
  ['/api/chat/completions', '/v1/chat/completions'],
  ['/v1/chat/completions/chat/completions', '/v1/chat/completions'],
  ['/v1/chat/completions/completions', '/v1/completions'],
  ['/v1/chat/completion', '/v1/chat/completions'],
  ['/V1/Chat/Completions', '/v1/chat/completions'],
])('%s means %s', (path, meant) => {
  expect(nearPath(path, paths)).toBe(meant);
});

it.each(['/v1/nothing', '/nothing', '/v1', '/', '//', '/v1/embeddings', '/v1/chat', ''])('%j means none', (path) => {
  expect(nearPath(path, paths)).toBeUndefined();
});
