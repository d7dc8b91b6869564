import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchArtifact, readModels } from '@xim/model-cache';
import { benchChat } from './chat.ts';
import { benchEmbedding } from './embedding.ts';
import { benchImages } from './images.ts';
import { benchIpex } from './ipex.ts';
import { benchPlan } from './plan.ts';
import { benchRuntime } from './runtime-cost.ts';
import { ROOT } from './processes.ts';
import { type Figure, formatReport, isMissed, load, machine, type Report } from './report.ts';
import type { Settings } from './settings.ts';
import { benchSpeech } from './speech.ts';
import { benchWhisperx } from './whisperx.ts';

const BENCHMARKS: Readonly<Record<string, (settings: Settings, say: (line: string) => void) => Promise<Figure[]>>> = {
  chat: benchChat,
  embedding: benchEmbedding,
  ipex: benchIpex,
  plan: benchPlan,
  runtime: benchRuntime,
  'sd-ipex': benchImages,
  speech: benchSpeech,
  whisperx: benchWhisperx,
};

const HELP = `usage: npm run bench -- [chat] [embedding] [ipex] [plan] [runtime] [sd-ipex] [speech] [whisperx] [options]

chat, embedding, sd-ipex, speech, whisperx: starts the service and, interleaved in the same run, the bare Python loop over the same
library, and prints both. plan: the speeds that xim-plan estimates before a download, and those of the services. runtime: the generation runtime's own time per step, over a runner that computes nothing.
ipex: text and vectors of the engine on PyTorch, against Transformers. Without a name all but ipex and sd-ipex, which fetch PyTorch. Nothing else should run on the machine meanwhile.

whisperx: both sides have the same weights and dtype, language, beam, ladder of temperatures and thresholds; neither cuts silence,
times words or batches windows. The service alone computes voice activity, and receives the recording over HTTP.
Then the speakers of joined recordings of two and of three voices, which have no peer.

  --clients LIST   concurrent clients, default 1,8,32; of speech and whisperx 1,4; of ipex at most 8; of sd-ipex always 1
  --kinds LIST     of chat plain,prefill,schema,tools (the default), sampling, alternatives, bias; of chat and embedding, alone:
                   fairness (small requests beside a bulk client), stalls (of the host, by bodies of megabytes); of chat,
                   alone: gaps (between tokens, beside new schemas and a long prompt), speculation (over none)
  --model FOLDER   of chat, instead of its own model: a folder with one GGUF file or with OpenVINO IR
  --pairs N        counted pairs per number of clients, default 7
  --json FILE      write every figure to FILE
  --check          exit 1 when a figure's whole interval misses what it has to reach
  --help`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string' },
    kinds: { type: 'string', default: 'plain,prefill,schema,tools' },
    model: { type: 'string' },
    pairs: { type: 'string', default: '7' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
/** Each request of these takes seconds. */
const SLOW = ['sd-ipex', 'speech', 'whisperx'];
const clientsOf = (name: string): number[] =>
  (values.clients ?? (SLOW.includes(name) ? '1,4' : '1,8,32')).split(',').map(Number);
/** They need PyTorch, which is fetched for them alone. */
const ONLY_BY_NAME = ['ipex', 'sd-ipex'];
const names =
  positionals.length > 0 ? positionals : Object.keys(BENCHMARKS).filter((name) => !ONLY_BY_NAME.includes(name));
const unknown = names.filter((name) => BENCHMARKS[name] === undefined);
if (values.help || unknown.length > 0) {
  console.log(unknown.length > 0 ? `There is no benchmark ${unknown.join(', ')}.\n\n${HELP}` : HELP);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const env = { XIM_VENVS: process.env['XIM_VENVS'] ?? '', XIM_MODEL_CACHE: process.env['XIM_MODEL_CACHE'] ?? '' };
const python = join(env.XIM_VENVS, 'bench', 'bin', 'python');
const all = availableParallelism();
const settings: Omit<Settings, 'clients'> = {
  kinds: values.kinds.split(','),
  model: values.model && resolve(values.model),
  pairs: Number(values.pairs),
  threads: [...new Set([1, Math.ceil(all / 2), all])],
  python,
  env,
  modelFolder(app) {
    const model = readModels(join(ROOT, 'apps', app, 'models.json')).models['main']!;
    const artifact = model.profiles.find((profile) => profile.engine === 'oneapi')?.artifact ?? '';
    return fetchArtifact({ model, artifact, cacheDir: env.XIM_MODEL_CACHE, python });
  },
};

const reports: Report[] = [];
for (const name of names) {
  const before = load();
  const clients = clientsOf(name);
  const figures = await BENCHMARKS[name]!({ ...settings, clients }, (line) => console.error(`  ${line}`));
  reports.push({
    benchmark: name,
    machine: machine(),
    load: { before, after: load() },
    settings: { clients: clients.join(), pairs: settings.pairs, ...(settings.model && { model: settings.model }) },
    figures,
  });
  console.log(`\n${formatReport(reports.at(-1)!)}\n`);
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(reports, null, 2)}\n`);
const missed = reports.flatMap(({ benchmark, figures }) =>
  figures.filter(isMissed).map(({ name }) => `${benchmark}: ${name}`),
);
if (values.check) {
  console.log(missed.length === 0 ? 'Every figure is reached.' : `Missed:\n  ${missed.join('\n  ')}`);
  process.exit(missed.length === 0 ? 0 : 1);
}
