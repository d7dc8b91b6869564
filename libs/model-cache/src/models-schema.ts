import { z } from 'zod';
import { sourceProblem } from './sources.ts';

/** Files of a lock are created on the disk of whoever runs it: nothing may leave the model's folder. */
const relativePath = z.string().superRefine((path, context) => {
  const problem =
    path === ''
      ? 'empty'
      : path.startsWith('/')
        ? 'absolute'
        : path.includes('\\')
          ? 'with a backslash'
          : /\p{Cc}/u.test(path)
            ? 'with a control character'
            : path.split('/').some((part) => part === '' || part === '.' || part === '..')
              ? 'with an empty, "." or ".." part'
              : undefined;
  if (problem === undefined) return;
  context.addIssue({
    code: 'custom',
    message: `the path ${JSON.stringify(path)} is ${problem}; expected a relative path with forward slashes, such as onnx/model.onnx`,
  });
});

const source = z.string().superRefine((text, context) => {
  const problem = sourceProblem(text);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const matching = (pattern: RegExp, expected: string) =>
  z.string().regex(pattern, { error: ({ input }) => `expected ${expected}, found ${JSON.stringify(input)}` });

const atLeastOne = (what: string) => ({ error: `expected at least one ${what}` });

const modelFile = z
  .strictObject({
    path: relativePath,
    size: z.int().positive(),
    sha256: matching(/^[0-9a-f]{64}$/, 'a sha256 as 64 lower-case hexadecimal digits'),
    sources: z.array(source).min(1, atLeastOne('source')).readonly(),
  })
  .readonly();

const artifact = z
  .strictObject({ files: z.array(modelFile).min(1, atLeastOne('file')).readonly() })
  .superRefine(({ files }, context) => {
    files.forEach((file, index) => {
      if (files.findIndex((other) => other.path === file.path) === index) return;
      const message = `the path ${JSON.stringify(file.path)} stands in this artifact twice; expected each path once`;
      context.addIssue({ code: 'custom', path: ['files', index, 'path'], message });
    });
  })
  .readonly();

const profile = z
  .strictObject({
    engine: z.string().min(1),
    artifact: z.string().optional(),
    isa: z
      .array(matching(/^[a-z0-9_]+$/, 'an instruction set as Linux names it in /proc/cpuinfo, such as avx2'))
      .readonly(),
    options: z.record(z.string(), z.unknown()).readonly().optional(),
    verified: z.array(z.string().min(1)).readonly().optional(),
  })
  .readonly();

const count = z.int().positive().optional();

const modelShape = z
  .strictObject({
    contextLength: count,
    layers: count,
    kvHeads: count,
    headDim: count,
    dimensions: count,
    truncatable: z.boolean().optional(),
    weightBytes: count,
  })
  .readonly();

export const modelEntry = z
  .strictObject({
    id: matching(/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/, 'the model id as org/name').refine(
      (id) => !/--|\.\./.test(id),
      { error: 'a model id holds neither "--" nor ".."' },
    ),
    revision: matching(/^[0-9a-f]{40}$/, 'a commit as 40 lower-case hexadecimal digits').optional(),
    task: z.enum(['generate', 'embed', 'transcribe', 'speak', 'generateImage']),
    licence: matching(/^[A-Za-z0-9.+()-]+(?: [A-Za-z0-9.+()-]+)*$/, 'an SPDX expression, such as Apache-2.0'),
    created: z.int().nonnegative(),
    aliases: z
      .array(matching(/^[^\s\p{Cc}]+$/u, 'a name without white space'))
      .readonly()
      .optional(),
    artifacts: z
      .record(matching(/^[A-Za-z0-9][\w.-]*$/, "an artifact's name of letters, digits, _, - and ."), artifact)
      .readonly(),
    profiles: z.array(profile).min(1, atLeastOne('profile')).readonly(),
    shape: modelShape,
  })
  .superRefine((entry, context) => {
    entry.profiles.forEach((one, index) => {
      if (one.artifact === undefined || Object.hasOwn(entry.artifacts, one.artifact)) return;
      const known = Object.keys(entry.artifacts).join(', ') || 'none';
      const message = `there is no artifact ${JSON.stringify(one.artifact)}; expected one of this entry's: ${known}`;
      context.addIssue({ code: 'custom', path: ['profiles', index, 'artifact'], message });
    });
    // All artifacts of one revision share a snapshot folder, where a path can be one file only.
    if (entry.revision === undefined) return;
    const seen = new Map<string, string>();
    for (const [name, { files }] of Object.entries(entry.artifacts)) {
      files.forEach((file, index) => {
        const before = seen.get(file.path) ?? file.sha256;
        seen.set(file.path, before);
        if (before === file.sha256) return;
        const message = `another artifact has a different ${JSON.stringify(file.path)}; expected one content per path and revision`;
        context.addIssue({ code: 'custom', path: ['artifacts', name, 'files', index, 'sha256'], message });
      });
    }
  })
  .readonly();

/** Roles: `main` is what the service serves, the others are the models around it (`vad`, `speaker` …). */
export const modelsSchema = z
  .strictObject({
    /** Where editors find the JSON Schema of this file; not read here. */
    $schema: z.string().optional(),
    lockVersion: z.literal(1, { error: ({ input }) => `expected 1, found ${JSON.stringify(input)}` }),
    models: z.object({ main: modelEntry }).catchall(modelEntry).readonly(),
  })
  .readonly();
