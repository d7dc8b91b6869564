import type {
  TextGenerationInput,
  TextGenerationOutput,
  TextGenerationOutputDetails,
  TextGenerationStreamOutput,
} from '@huggingface/tasks';
import { describe, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type {
  CompatGenerateRequest,
  Details,
  GenerateParameters,
  GenerateResponse,
  Grammar,
  StreamDetails,
  StreamResponse,
} from './index.ts';

/** The types forbid null, but real servers send it: `seed`, `details`, `generated_text`, the first prefill logprob. */
type WithoutNull<T> = T extends readonly (infer E)[]
  ? WithoutNull<E>[]
  : T extends object
    ? { [K in keyof T]: WithoutNull<Exclude<T[K], null>> }
    : T;
/** The named keys of a type, without its index signature. */
type Declared<T> = { [K in keyof T as string extends K ? never : number extends K ? never : K]: T[K] };
type Named<T> = keyof Declared<T>;
type WireParameters = NonNullable<TextGenerationInput['parameters']>;

// tsc checks these types. Assignability alone does not find a field that only the client has: extra keys are legal in
// a type. The lists of keys find it.
describe('against the types of @huggingface/tasks', () => {
  it('takes every request that they allow', () => {
    expectTypeOf<Pick<TextGenerationInput, 'inputs' | 'stream'>>().toExtend<z.input<typeof CompatGenerateRequest>>();
    // A grammar's value is `unknown` in the client; here each type of grammar has its own type.
    expectTypeOf<Omit<Declared<WireParameters>, 'grammar'>>().toExtend<z.input<typeof GenerateParameters>>();
    expectTypeOf<NonNullable<WireParameters['grammar']>['type']>().toEqualTypeOf<Grammar['type']>();
    expectTypeOf<Named<WireParameters>>().toEqualTypeOf<keyof GenerateParameters>();
    expectTypeOf<Named<TextGenerationInput>>().toEqualTypeOf<keyof CompatGenerateRequest>();
  });

  it('answers what they promise', () => {
    expectTypeOf<WithoutNull<GenerateResponse>>().toExtend<TextGenerationOutput>();
    expectTypeOf<WithoutNull<StreamResponse>>().toExtend<TextGenerationStreamOutput>();
  });

  it('answers with nothing that they do not know, and leaves nothing out', () => {
    expectTypeOf<keyof GenerateResponse>().toEqualTypeOf<Named<TextGenerationOutput>>();
    expectTypeOf<keyof Details>().toEqualTypeOf<Named<TextGenerationOutputDetails>>();
    expectTypeOf<keyof StreamResponse>().toEqualTypeOf<Named<TextGenerationStreamOutput>>();
    expectTypeOf<keyof StreamDetails>().toEqualTypeOf<Named<NonNullable<TextGenerationStreamOutput['details']>>>();
  });
});
