import { XimError } from '@xim/engine';

/** The model does not fit into this host's memory with any plan. Starting again is useless. */
export class HostTooSmallError extends XimError {
  readonly neededBytes: number;
  readonly availableBytes: number;

  constructor(message: string, neededBytes: number, availableBytes: number) {
    super('XIM_HOST_TOO_SMALL', `[host-plan] ${message}`);
    this.neededBytes = neededBytes;
    this.availableBytes = availableBytes;
  }

  static override isInstance(error: unknown): error is HostTooSmallError {
    return XimError.isInstance(error) && error.code === 'XIM_HOST_TOO_SMALL';
  }
}

/** A value of a `PlanRequest` is malformed or more than this host has. The message names the environment variable. */
export class PlanRequestError extends XimError {
  constructor(message: string) {
    super('XIM_PLAN_REQUEST', `[host-plan] ${message}`);
  }

  static override isInstance(error: unknown): error is PlanRequestError {
    return XimError.isInstance(error) && error.code === 'XIM_PLAN_REQUEST';
  }
}

/** This is not Linux on x86-64. */
export class UnsupportedPlatformError extends XimError {
  constructor(platform: string, arch: string) {
    super(
      'XIM_UNSUPPORTED_PLATFORM',
      `[host-plan] XIM runs on Linux on x86-64 only (found: ${platform} on ${arch}). Run it on such a machine, or in a linux/amd64 container there.`,
    );
  }

  static override isInstance(error: unknown): error is UnsupportedPlatformError {
    return XimError.isInstance(error) && error.code === 'XIM_UNSUPPORTED_PLATFORM';
  }
}
