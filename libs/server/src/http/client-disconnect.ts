import type { Socket } from 'node:net';

const watched = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `listener` when the client's connection closes; returns what stops listening. The connection is the only
 * reliable witness: a request's own `close` comes as soon as its body was read. One listener per connection, because
 * one connection carries many requests, and one request may make many calls.
 */
export function onClientDisconnect(socket: Socket, listener: () => void): () => void {
  if (socket.destroyed) {
    listener();
    return () => undefined;
  }
  let listeners = watched.get(socket);
  if (!listeners) {
    const created = (listeners = new Set());
    watched.set(socket, created);
    socket.once('close', () => {
      for (const one of [...created]) one();
      created.clear();
    });
  }
  const all = listeners;
  // A listener of its own, so that the same function may be given twice.
  const entry = (): void => listener();
  all.add(entry);
  return () => all.delete(entry);
}
