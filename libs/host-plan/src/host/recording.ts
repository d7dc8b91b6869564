import type { Host } from '@xim/engine';
import { PlanRequestError } from '../errors.ts';
import { OWN_MOUNTS } from './container.ts';
import { filesOf, type HostFiles } from './host-files.ts';
import { readHostFiles } from './read-host.ts';

/** A host in one JSON file: the text of every file that the reading of the host took, by its path. */
export interface Recording {
  readonly format: 'xim-host';
  readonly version: 1;
  readonly files: Readonly<Record<string, string>>;
  /** Measured there; absent in a described host. */
  readonly speed?: HostSpeed | undefined;
}

/** The two speeds of a host that bound an inference, both with all its cores at work. */
export interface HostSpeed {
  /** Bytes per second that all cores together read from memory. */
  readonly bytesPerSecond: number;
  /** Cycles per second of one core. */
  readonly hertz: number;
}

/** Records the files that describe a host. Lines that describe nothing, such as foreign mounts, are left out. */
export function recordHost(files: HostFiles): Recording {
  const taken: Record<string, string> = {};
  const text = (path: string): string | undefined => {
    const found = files.text(path);
    if (found !== undefined) taken[path] = trimmed(path, found);
    return found;
  };
  readHostFiles(filesOf(text, files.names));
  return { format: 'xim-host', version: 1, files: Object.fromEntries(Object.entries(taken).sort()) };
}

/** The lines of a file that matter: these files name processes, disks and features that no plan needs. */
function trimmed(path: string, text: string): string {
  const lines = text.split('\n');
  const kept = (pattern: RegExp): string => lines.filter((line) => pattern.test(line)).join('\n');
  if (path === '/proc/self/status') return kept(/^(Cpus|Mems)_allowed_list:/);
  if (path === '/proc/meminfo') return kept(/^(MemTotal|MemFree|MemAvailable|Buffers|Cached):/);
  if (path.endsWith('/meminfo')) return kept(/ (MemTotal|MemFree|Inactive\(file\)):/);
  if (path.endsWith('/memory.stat')) return kept(/^(inactive_file|total_inactive_file|hierarchical_memory_limit) /);
  if (path === '/proc/self/mountinfo') {
    return lines
      .filter((line) => / - cgroup2? /.test(line) || OWN_MOUNTS.includes(line.split(' ')[4] ?? ''))
      .join('\n');
  }
  if (path !== '/proc/cpuinfo') return text;
  const first = lines.indexOf('') < 0 ? lines.length : lines.indexOf('');
  return lines
    .filter((line, at) => /^processor\b/.test(line) || (at < first && /^(vendor_id|model name|flags)\b/.test(line)))
    .join('\n');
}

/** The files of a recording. */
export function recordedFiles({ files }: Recording): HostFiles {
  const paths = Object.keys(files);
  return filesOf(
    (path) => files[path],
    (folder) => {
      const below = paths.filter((path) => path.startsWith(`${folder}/`));
      return [...new Set(below.map((path) => path.slice(folder.length + 1).split('/')[0]!))];
    },
  );
}

/**
 * The host that a JSON file describes: a recording, or the `host` of `xim-plan --json` with numbers changed by hand.
 * Throws `PlanRequestError` where it is neither, or where a member is missing or of the wrong type.
 */
export function parseHost(json: unknown, name: string): Host {
  const file = (typeof json === 'object' && json !== null ? json : {}) as {
    format?: unknown;
    files?: unknown;
    host?: unknown;
  };
  if (file.format === 'xim-host') {
    const { files } = file;
    const known = typeof files === 'object' && files !== null && 'version' in file && file.version === 1;
    if (!known || Object.values(files).some((text) => typeof text !== 'string')) {
      throw new PlanRequestError(`${name} is a recording of another version; record it again with "xim-plan record".`);
    }
    return readHostFiles(recordedFiles(json as Recording));
  }
  const host = (file.host ?? file) as Partial<Host>;
  const wrong = Object.entries(MEMBERS).find(([key, isRight]) => !isRight(host[key as keyof Host]));
  if (wrong) {
    throw new PlanRequestError(
      `${name} describes no host: "${wrong[0]}" is missing or wrong. Expected a file of "xim-plan record", or the "host" of "xim-plan --json".`,
    );
  }
  return host as Host;
}

/** The measured speeds of such a file; absent where it has none. */
export function parseSpeed(json: unknown): HostSpeed | undefined {
  const { speed } = ((typeof json === 'object' && json) || {}) as { speed?: Partial<HostSpeed> };
  const { bytesPerSecond, hertz } = speed ?? {};
  return isBytes(bytesPerSecond) && isBytes(hertz) ? (speed as HostSpeed) : undefined;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isBytes = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isList = (value: unknown, of: (one: unknown) => boolean): boolean => Array.isArray(value) && value.every(of);
const isCpu = (value: unknown): boolean => {
  const { id, core, socket, node } = (value ?? {}) as Partial<Host['cpus'][number]>;
  return [id, core, socket, node].every((one) => Number.isInteger(one));
};
const isNode = (value: unknown): boolean => {
  const { id, memoryBytes, distances } = (value ?? {}) as Partial<NonNullable<Host['nodes']>[number]>;
  return Number.isInteger(id) && isBytes(memoryBytes) && isList(distances, isBytes);
};

const MEMBERS: Readonly<Record<string, (value: unknown) => boolean>> = {
  vendor: isText,
  cpuModel: isText,
  isa: (value) => isList(value, isText),
  cpus: (value) => isList(value, isCpu) && (value as unknown[]).length > 0,
  cpuQuota: (value) => value === undefined || (isBytes(value) && value !== 0),
  memoryBytes: isBytes,
  availableMemoryBytes: isBytes,
  nodes: (value) => value === undefined || isList(value, isNode),
};
