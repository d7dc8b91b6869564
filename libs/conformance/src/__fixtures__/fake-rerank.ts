/* eslint-disable @typescript-eslint/no-explicit-any -- bodies of requests, checked by hand */
import { type Exchange, refuse } from './fake-exchange.ts';
import { checkModel, MODEL, newId } from './fake-openai.ts';

/** The share of the query's words that the text has. */
function scoreOf(query: string, text: string): number {
  const words = new Set(query.toLowerCase().match(/\w+/g));
  const found = new Set(text.toLowerCase().match(/\w+/g));
  return [...words].filter((word) => found.has(word)).length / words.size;
}

function toRanking(query: string, texts: readonly string[]): { index: number; score: number }[] {
  const scored = texts.map((text, index) => ({ index, score: scoreOf(query, text) }));
  return scored.sort((a, b) => b.score - a.score || a.index - b.index);
}

export function rerank({ request: body, path }: Exchange): unknown {
  if (path === '/rerank' && Array.isArray(body?.texts)) {
    const { query, texts, return_text: whole } = body;
    return toRanking(query, texts).map((one) => ({ ...one, ...(whole && { text: texts[one.index] }) }));
  }
  checkModel(body);
  const { query, documents, top_n: most, return_documents: whole } = body;
  if (typeof query !== 'string' || query === '') refuse('query: a text', 'query');
  if (!Array.isArray(documents) || documents.length === 0) refuse('documents: at least one', 'documents');
  if (most != null && !(Number.isInteger(most) && most >= 1)) refuse('top_n: from 1', 'top_n');
  const texts: string[] = documents.map((document: any) => document?.text ?? document);
  if (texts.some((text) => typeof text !== 'string')) refuse('documents: texts', 'documents');
  const results = toRanking(query, texts).slice(0, most ?? undefined);
  return {
    id: newId('rerank'),
    model: MODEL,
    results: results.map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(whole && { document: { text: texts[index] } }),
    })),
  };
}

export function score({ request: body }: Exchange): unknown {
  checkModel(body);
  const queries: string[] = [body.text_1].flat();
  const texts: string[] = [body.text_2].flat();
  const data = texts.map((text, index) => ({
    ...{ index, object: 'score' },
    score: scoreOf(queries[queries.length > 1 ? index : 0]!, text),
  }));
  return { id: newId('score'), object: 'list', model: MODEL, data };
}
