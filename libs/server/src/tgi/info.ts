import { EngineNotReadyError } from '@xim/engine';
import type { Info } from '@xim/tgi-schema';
import type { ServiceContext } from '../context.ts';

/** That server's limit, and OpenAI's. */
const MAX_STOP_TEXTS = 4;

/** The description of this service in the shape of Text Generation Inference. Throws EngineNotReadyError while the context is unknown. */
export function toTgiInfo(xim: Pick<ServiceContext, 'model' | 'plan' | 'version' | 'info'>): Info {
  const { model, plan } = xim;
  const context = contextLengthOf(xim);
  if (context === undefined) {
    throw new EngineNotReadyError('The engine has not yet said how many tokens its context holds. Try again soon.');
  }
  return {
    model_id: model.id,
    model_sha: model.revision ?? null,
    model_dtype: xim.info()?.dtype,
    model_device_type: 'cpu',
    model_pipeline_tag: 'text-generation',
    max_concurrent_requests: plan.slots + plan.queue,
    max_best_of: plan.slots,
    max_stop_sequences: MAX_STOP_TEXTS,
    max_input_tokens: context - 1,
    max_total_tokens: context,
    validation_workers: 1,
    max_client_batch_size: plan.slots + plan.queue,
    router: 'xim',
    version: xim.version ?? 'unknown',
    sha: null,
    docker_label: null,
  };
}

/** Tokens that a prompt may have, so that one more can follow; endless where nobody has said so yet. */
export function toMaxInputTokens(xim: Pick<ServiceContext, 'model' | 'info'>): number {
  return (contextLengthOf(xim) ?? Infinity) - 1;
}

/** Tokens that prompt and answer may have together. */
function contextLengthOf({ model, info }: Pick<ServiceContext, 'model' | 'info'>): number | undefined {
  return info()?.contextLength ?? model.shape.contextLength;
}
