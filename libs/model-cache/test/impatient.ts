import { DIRECT, type Network } from '../src/transfer/network.ts';

/** A network whose failed requests are tried again at once. */
export const impatient: Network = { ...DIRECT, retryMs: 1 };
