import { z } from 'zod';

/** A token, and its characters (Unicode code points) in the text: from `start` up to, not including, `stop`. */
export const SimpleToken = z
  .object({ id: z.int().min(0), text: z.string(), start: z.int().min(0), stop: z.int().min(0) })
  .meta({ id: 'TgiSimpleToken' });
export type SimpleToken = z.infer<typeof SimpleToken>;

export const TokenizeResponse = z.array(SimpleToken).meta({ id: 'TgiTokenizeResponse' });
export type TokenizeResponse = z.infer<typeof TokenizeResponse>;

export const ChatTokenizeResponse = z
  .object({
    tokenize_response: TokenizeResponse,
    templated_text: z.string().describe('The conversation in the form of the model’s template.'),
  })
  .meta({ id: 'TgiChatTokenizeResponse' });
export type ChatTokenizeResponse = z.infer<typeof ChatTokenizeResponse>;
