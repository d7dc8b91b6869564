import type { HostFiles } from './host-files.ts';

/** Marks in the paths of cgroups and mounts, by the program that makes the container. */
const MARKS: readonly (readonly [RegExp, string])[] = [
  [/kubepods|\/kubelet\/pods\//, 'kubernetes'],
  [/libpod/, 'podman'],
  [/\/docker[/-]/, 'docker'],
  [/cri-containerd|\/containerd\//, 'containerd'],
  [/\/lxc[./]/, 'lxc'],
];

/** Points at which a container has mounts of its own. */
export const OWN_MOUNTS = ['/', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];

/**
 * The program that made the container of this process; absent outside of one. Each leaves a mark: a file in the
 * container's root, or its name in the paths of cgroups and of the files that it mounts (`/etc/hosts`).
 */
export function readContainer(files: HostFiles): string | undefined {
  // A host that runs containers has mounts of theirs too, but none of them here.
  const mounts = files.lines('/proc/self/mountinfo').filter((line) => OWN_MOUNTS.includes(line.split(' ')[4] ?? ''));
  const paths = [...files.lines('/proc/self/cgroup'), ...mounts].join('\n');
  const named = MARKS.find(([mark]) => mark.test(paths))?.[1];
  if (named === 'kubernetes') return named;
  if (files.text('/run/.containerenv') !== undefined) return 'podman';
  if (files.text('/.dockerenv') !== undefined) return 'docker';
  return named;
}
