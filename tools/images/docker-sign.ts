// `npx nx run <app>:docker-sign`: signs the last pushed image and attaches its SBOM.
import type { Pushed } from './docker-push.ts';
import { ImageError } from './errors.ts';
import { type Image, readImage, readNote } from './image.ts';
import { main, read, refuseArguments, run } from './program.ts';
import { readSbom } from './sbom.ts';
import { readSettings, type Settings } from './settings.ts';

/** The commands of cosign, in order: sign, attest, and read both back. */
export function toCosign(
  reference: string,
  { key, publicKey, sbom, transparencyLog }: { key: string; publicKey: string; sbom: string; transparencyLog: boolean },
): string[][] {
  const registry = /^(127\.0\.0\.1|localhost)[:/]/.test(reference) ? ['--allow-insecure-registry'] : [];
  const write = [`--key=${key}`, '--yes', `--tlog-upload=${transparencyLog}`, ...registry];
  const check = [`--key=${publicKey}`, ...(transparencyLog ? [] : ['--insecure-ignore-tlog=true']), ...registry];
  return [
    ['sign', ...write, reference],
    ['attest', ...write, '--type=cyclonedx', `--predicate=${sbom}`, reference],
    ['verify', ...check, '--output=text', reference],
    ['verify-attestation', ...check, '--type=cyclonedx', '--output=text', reference],
  ];
}

export function signImage(image: Image, { cosignKey: key, transparencyLog }: Settings): void {
  const pushed = readNote<Pushed>(image, 'pushed.json');
  if (!pushed) throw new ImageError(`${image.local} was not pushed: run "npx nx run ${image.name}:docker-push".`);
  if (!key)
    throw new ImageError(
      'XIM_COSIGN_KEY is not set. "cosign generate-key-pair" makes a key; a file and the address of a key service are taken.',
    );
  const publicKey = key.replace(/\.key$/, '.pub');
  const [sign, attest, ...checks] = toCosign(pushed.reference, {
    ...{ key, publicKey, sbom: readSbom(image).file, transparencyLog },
  }) as [string[], string[], ...string[][]];
  for (const args of [sign, attest]) run('cosign', args);
  for (const args of checks) read('cosign', args);
  console.log(`${pushed.reference} is signed, with its SBOM attached; both were verified`);
}

if (process.argv[1] === import.meta.filename)
  await main(([folder, ...args]) => {
    refuseArguments('docker-sign', args);
    signImage(readImage(folder), readSettings(process.env));
  });
