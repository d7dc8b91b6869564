import { expect, it } from 'vitest';
import { toCosign } from './docker-sign.ts';

const OPTIONS = { key: 'k.key', publicKey: 'k.pub', sbom: 's.json', transparencyLog: true };

it('signs, attests, and reads both back with the public key', () => {
  expect(toCosign('r.example/x@sha256:0', OPTIONS)).toEqual([
    ['sign', '--key=k.key', '--yes', '--tlog-upload=true', 'r.example/x@sha256:0'],
    [
      'attest',
      '--key=k.key',
      '--yes',
      '--tlog-upload=true',
      '--type=cyclonedx',
      '--predicate=s.json',
      'r.example/x@sha256:0',
    ],
    ['verify', '--key=k.pub', '--output=text', 'r.example/x@sha256:0'],
    ['verify-attestation', '--key=k.pub', '--type=cyclonedx', '--output=text', 'r.example/x@sha256:0'],
  ]);
});

it('trusts plain HTTP on this machine alone, and skips the log only when told', () => {
  const local = toCosign('127.0.0.1:5000/x@sha256:0', { ...OPTIONS, transparencyLog: false });
  for (const args of local) expect(args).toContain('--allow-insecure-registry');
  expect(local[2]).toContain('--insecure-ignore-tlog=true');
  expect(toCosign('127.0.0.1.example/x@sha256:0', OPTIONS).flat()).not.toContain('--allow-insecure-registry');
});
