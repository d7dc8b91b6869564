import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/**
 * A proxy for HTTP (absolute addresses) and everything else (CONNECT, RFC 9110, 9.3.6). It takes every host for this
 * machine, so that a name that only the proxy knows can be asked for.
 */
export async function startProxy(login?: string) {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const allowed = (header: string | undefined): boolean =>
    login === undefined || header === `Basic ${Buffer.from(login).toString('base64')}`;
  const server = createServer((incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    if (!allowed(incoming.headers['proxy-authorization'])) return void response.writeHead(407).end();
    const { port, pathname } = new URL(incoming.url ?? '');
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    request({ port, path: pathname, host: '127.0.0.1', headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    }).end();
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('connect', (incoming, client: Socket) => {
    seen.push(`CONNECT ${incoming.url}`);
    if (!allowed(incoming.headers['proxy-authorization'])) return void client.end('HTTP/1.1 407 Login\r\n\r\n');
    const target = connect(Number(incoming.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connected\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    sockets.add(target);
    for (const socket of [client, target]) socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    seen,
    port: (server.address() as AddressInfo).port,
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export type Proxy = Awaited<ReturnType<typeof startProxy>>;
