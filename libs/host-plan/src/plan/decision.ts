/** One number of the plan and why it is so. */
export interface Decision {
  readonly value: number;
  /** The value for people, where the bare number says little. */
  readonly shown?: string | undefined;
  /** One plain phrase with the numbers it rests on. */
  readonly reason: string;
}

/** The operator's value wins; the plan is not even computed. */
export function askedOr(
  asked: number | undefined,
  plan: () => Decision,
  show: (value: number) => string = String,
): Decision {
  return asked === undefined ? plan() : { value: asked, shown: show(asked), reason: 'asked for' };
}
