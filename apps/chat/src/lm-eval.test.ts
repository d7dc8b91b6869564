import { openService } from '@xim/server/testing';
import { expect, it } from 'vitest';
import app from './app.ts';

interface Choice {
  readonly index: number;
  readonly logprobs: {
    readonly token_logprobs: readonly (number | null)[];
    readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[];
  };
}

/** The fields that lm-evaluation-harness 0.4.13 (`local-completions`) sends for log-likelihoods, beside `prompt`. */
const SCORE = { temperature: 0, max_tokens: 1, logprobs: 1, seed: 1234, echo: true };
/** "One, two, three, four,", and what follows it in three documents. */
const CONTEXT = [2705, 28, 827, 28, 1296, 28, 1876, 28];
const NEXT = { ' house': 2291, ' five': 2531, ' eleven': 20654 };

it('gives lm-evaluation-harness its log-likelihoods, of tokens and of text', { timeout: 300_000 }, async () => {
  // In bf16 a log probability is rounded to a tenth, and differently for one row than for several.
  const { server, origin } = await openService(app, { XIM_EXACT: '1' });
  try {
    const ask = async (body: object): Promise<readonly Choice[]> => {
      const answer = await fetch(`${origin}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'HuggingFaceTB/SmolLM2-135M-Instruct', ...body }),
      });
      return ((await answer.json()) as { choices: readonly Choice[] }).choices;
    };
    // The harness leaves out the context and the token that max_tokens: 1 adds.
    const scoresOf = (choices: readonly Choice[]) =>
      choices.map(({ logprobs: { token_logprobs: found } }) =>
        found.slice(CONTEXT.length, -1).reduce<number>((sum, one) => sum + one!, 0),
      );
    const tokens = await ask({ ...SCORE, prompt: Object.values(NEXT).map((id) => [...CONTEXT, id]) });
    const texts = await ask({ ...SCORE, prompt: Object.keys(NEXT).map((word) => `One, two, three, four,${word}`) });
    expect(tokens.map(({ index }) => index)).toEqual([0, 1, 2]);
    for (const { logprobs } of tokens) expect(logprobs.token_logprobs).toHaveLength(CONTEXT.length + 2);
    const [house, five, eleven] = scoresOf(tokens) as [number, number, number];
    expect(five).toBeGreaterThan(Math.max(house, eleven) + 1);
    scoresOf(texts).forEach((score, i) => expect(score).toBeCloseTo([house, five, eleven][i]!, 2));
    // The model's own choice of the next token has the same probability.
    const [next] = await ask({ prompt: CONTEXT, temperature: 0, max_tokens: 1, logprobs: 5 });
    expect(next!.logprobs.top_logprobs[0]![' five']).toBeCloseTo(five, 2);
  } finally {
    await server.close({ drainMs: 0 });
  }
});
