import type { ModelFiles } from '../custom-model/model-format.ts';
import { readText } from './hub-listing.ts';
import type { HubListing } from './hub-listing.ts';
import type { Hub } from './hub-settings.ts';
import { readRemoteGguf } from './lock-entry.ts';

/** The files of a repository at one commit; a text is read whole, of a GGUF file the header. */
export function hubFiles(hub: Hub, listing: HubListing, signal?: AbortSignal): ModelFiles {
  return {
    place: listing.repo,
    names: listing.files.filter(({ size }) => size > 0).map(({ path }) => path),
    naming: (name) => `${listing.repo}#${name}`,
    text: (name) => readText(hub, listing, name, signal),
    gguf: (name) => readRemoteGguf(hub, listing, name, signal),
  };
}
