import { posix } from 'node:path';
import type { HostFiles } from './host-files.ts';

interface Mount {
  /** Which cgroup stands at the mount point, seen from the process's cgroup namespace. */
  readonly root: string;
  readonly point: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}

/**
 * Folders whose limits bind this process for one controller: its own cgroup and every ancestor that can be seen, in
 * every hierarchy (v1, v2 or both) that may hold the controller.
 *
 * /proc/self/cgroup says where the process is, /proc/self/mountinfo where that hierarchy can be read; both see the
 * world from the cgroup namespace (cgroup_namespaces(7), proc_pid_mountinfo(5), Documentation/admin-guide/cgroup-v2.rst).
 */
export function cgroupFolders(files: HostFiles, controller: 'cpu' | 'memory'): string[] {
  const mounts = files.lines('/proc/self/mountinfo').flatMap(parseMount);
  return files.lines('/proc/self/cgroup').flatMap((line) => {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    const [, names, path] = match ?? [];
    if (names === undefined || path === undefined) return [];
    const version = names === '' ? 2 : 1;
    if (version === 1 && !names.split(',').includes(controller)) return [];
    const matching = mounts.filter(
      (m) => m.version === version && (version === 2 || m.controllers.includes(controller)),
    );
    const seen = matching.flatMap((mount) => foldersBelow(mount, path));
    // The process's own cgroup cannot be seen from here: the mount point is the nearest thing that can.
    return seen.length > 0 ? seen : matching.slice(0, 1).map((mount) => mount.point);
  });
}

/** The folder of `path` and its parents up to the mount point; none where the path lies outside of the mount. */
function foldersBelow(mount: Mount, path: string): string[] {
  if (leavesNamespace(path) || leavesNamespace(mount.root)) return [];
  const below = posix.relative(mount.root, path);
  if (leavesNamespace(`/${below}`)) return [];
  const parts = below.split('/').filter((part) => part !== '');
  return [...parts.keys(), parts.length].map((length) => posix.join(mount.point, ...parts.slice(0, length)));
}

/** `/../other`: a cgroup above or beside the root of the namespace. */
function leavesNamespace(path: string): boolean {
  return path === '/..' || path.startsWith('/../');
}

/** One line of mountinfo: `31 23 0:28 ROOT POINT options [optional …] - TYPE source SUPEROPTIONS`. */
function parseMount(line: string): Mount[] {
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [root, point, type, options] = [fields[3], fields[4], fields[dash + 1], fields[dash + 3]];
  if (dash < 0 || root === undefined || point === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return [];
  const version = type === 'cgroup2' ? 2 : 1;
  return [{ root: unescapeOctal(root), point: unescapeOctal(point), version, controllers: options?.split(',') ?? [] }];
}

/** The kernel writes blanks and backslashes in paths as `\040`, `\134`. */
function unescapeOctal(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
