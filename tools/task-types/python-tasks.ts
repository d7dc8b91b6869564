// `npx tsx tools/task-types/python-tasks.ts` writes libs/worker/python/xim_worker/tasks.py from libs/engine/src.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { toDocstring } from './docstring.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The generated Python. */
export const PYTHON_TASKS = join(ROOT, 'libs/worker/python/xim_worker/tasks.py');

/** The files of the contract with the types of tasks, those first that others name. */
const SOURCES = ['task', 'generate', 'embed', 'rerank', 'transcribe', 'speak', 'image'];

/** Types that a worker has no use for. */
const NOT_WRITTEN = ['Task'];

/** The numbers that need not be whole, since TypeScript has one type for both. */
const FRACTIONS = [
  ...[
    'temperature',
    'topP',
    'minP',
    'typicalP',
    'presencePenalty',
    'frequencyPenalty',
    'repetitionPenalty',
    'logitBias',
  ].map((name) => `Sampling.${name}`),
  ...['TokenLogprob.logprob', 'TokenChance.logprob'],
  ...['TranscribeInput.temperature', 'TranscribeStart.duration', 'TranscribeStart.languageProbability'],
  ...['TranscribeProgress.seconds', 'TranscribeEnd.duration'],
  ...['threshold', 'padding', 'silence'].map((name) => `VoiceActivity.${name}`),
  ...['start', 'end', 'temperature', 'averageLogprob', 'compressionRatio', 'noSpeechProbability'].map(
    (name) => `Segment.${name}`,
  ),
  ...['Word.start', 'Word.end', 'Word.probability'],
  ...['SpeakInput.speed', 'SpeakEnd.duration'],
  ...['ImageInput.guidance', 'ImageInput.strength'],
];

const HEAD = `"""The inputs, events and outputs of the tasks, as they cross between a handler and the runtime.

Written by tools/task-types from the contract in libs/engine/src; a change belongs there. Bytes are \`bytes\` here. A
member that is absent has the default that the contract states; it is never None unless its type says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict, final

if TYPE_CHECKING:
    # In the standard library from Python 3.11 on; type checkers bring it.
    from typing_extensions import NotRequired

_bytes = bytes  # members of this name hide it`;

interface Field {
  readonly name: string;
  readonly type: ts.TypeNode;
  readonly optional: boolean;
  readonly doc: string;
}

/** All types of the contract's tasks as Python. Throws where the contract uses TypeScript that has no counterpart. */
export function toPythonTasks(sources: Readonly<Record<string, string>> = readSources()): string {
  const files = Object.entries(sources).map(([name, text]) =>
    ts.createSourceFile(`${name}.ts`, text, ts.ScriptTarget.Latest, true),
  );
  const statements = files.flatMap((file) => [...file.statements]);
  const interfaces = new Map(statements.filter(ts.isInterfaceDeclaration).map((one) => [one.name.text, one]));
  const unused = new Set(FRACTIONS);
  const blocks: string[] = [];

  const fieldsOf = (members: ts.NodeArray<ts.TypeElement>): Field[] =>
    members.map((member) => {
      if (!ts.isPropertySignature(member) || !ts.isIdentifier(member.name) || !member.type) throw unknown(member);
      return {
        ...{ name: member.name.text, type: member.type, optional: member.questionToken !== undefined },
        doc: docOf(member),
      };
    });

  /** The fields of an interface, after the fields of the interface that it extends, possibly by `Omit`. */
  const allFieldsOf = (one: ts.InterfaceDeclaration): Field[] => {
    const inherited = (one.heritageClauses ?? []).flatMap(({ types }) =>
      types.flatMap(({ expression, typeArguments = [] }) => {
        const [base, left] = typeArguments;
        const named = expression.getText() === 'Omit' ? base?.getText() : expression.getText();
        const parent = interfaces.get(named ?? '');
        if (!parent) throw unknown(one);
        const omitted = left ? literalsOf(left) : [];
        return allFieldsOf(parent).filter(({ name }) => !omitted.includes(name));
      }),
    );
    return [...inherited, ...fieldsOf(one.members)];
  };

  const writeClass = (name: string, fields: readonly Field[], doc: string, decorator = ''): void => {
    const lines = fields.flatMap((field) => {
      const type = toPython(field.type, name, field.name);
      const docstring = field.doc && toDocstring(field.doc, 4);
      return [
        `    ${field.name}: ${field.optional ? `NotRequired[${type}]` : type}`,
        ...(docstring ? [docstring] : []),
      ];
    });
    const docstring = doc ? [toDocstring(doc, 4), ''] : [];
    blocks.push([`${decorator}class ${name}(TypedDict):`, ...docstring, ...lines].join('\n'));
  };

  const toPython = (type: ts.TypeNode, owner: string, field: string): string => {
    const inner = (one: ts.TypeNode) => toPython(one, owner, field);
    if (ts.isTypeOperatorNode(type) && type.operator === ts.SyntaxKind.ReadonlyKeyword) return inner(type.type);
    if (ts.isParenthesizedTypeNode(type)) return inner(type.type);
    if (ts.isArrayTypeNode(type)) return `list[${inner(type.elementType)}]`;
    if (ts.isTypeLiteralNode(type)) {
      const name = `${owner}${capitalised(field)}`;
      writeClass(name, fieldsOf(type.members), '');
      return name;
    }
    if (ts.isUnionTypeNode(type)) {
      const others = type.types.filter((one) => one.kind !== ts.SyntaxKind.UndefinedKeyword);
      if (others.every(isStringLiteral)) return toLiteral(others.flatMap(literalsOf));
      return others.map(inner).join(' | ');
    }
    if (ts.isLiteralTypeNode(type)) {
      if (type.literal.kind === ts.SyntaxKind.NullKeyword) return 'None';
      if (isStringLiteral(type)) return toLiteral(literalsOf(type));
    }
    if (ts.isTypeReferenceNode(type)) {
      const [name, args = []] = [type.typeName.getText(), type.typeArguments];
      if (name === 'Readonly') return inner(args[0]!);
      if (name === 'Record') return `dict[${inner(args[0]!)}, ${inner(args[1]!)}]`;
      if (name === 'Uint8Array' || name === 'Float32Array') return '_bytes';
      if (args.length === 0 && !NOT_WRITTEN.includes(name)) return name;
    }
    const place = `${owner}.${field}`;
    switch (type.kind) {
      case ts.SyntaxKind.StringKeyword:
        return 'str';
      case ts.SyntaxKind.BooleanKeyword:
        return 'bool';
      case ts.SyntaxKind.UnknownKeyword:
        return 'Any';
      case ts.SyntaxKind.NumberKeyword:
        unused.delete(place);
        return FRACTIONS.includes(place) ? 'float' : 'int';
    }
    throw unknown(type);
  };

  const writeAlias = (name: string, type: ts.TypeNode, doc: string): void => {
    const members = ts.isUnionTypeNode(type) ? type.types : [type];
    const written = members.map((member, index) => {
      if (!ts.isTypeLiteralNode(member)) return toPython(member, name, '');
      const className = `${name.replace(/Event$/, '')}${memberName(member)}`;
      const before = index === 0 ? type.getFullStart() : members[index - 1]!.end;
      writeClass(
        className,
        fieldsOf(member.members),
        commentIn(member.getSourceFile().text.slice(before, member.getStart())),
        // Only of a final class does a type checker know that it has no member of another one of the union.
        discriminantOf(member) === undefined ? '@final\n' : '',
      );
      return className;
    });
    const literal = ts.isUnionTypeNode(type) && members.every(isStringLiteral);
    // As ruff breaks it: one line inside the parentheses, or one per member.
    const value = literal ? toPython(type, name, '') : written.join(' | ');
    const broken = value.length > 116 ? value.replaceAll(' | ', '\n    | ') : value;
    const line = `${name} = ${value}`;
    blocks.push(
      [line.length > 120 ? `${name} = (\n    ${broken}\n)` : line, ...(doc ? [toDocstring(doc, 0)] : [])].join('\n'),
    );
  };

  for (const statement of statements) {
    if (ts.isInterfaceDeclaration(statement)) writeClass(statement.name.text, allFieldsOf(statement), docOf(statement));
    else if (ts.isTypeAliasDeclaration(statement) && !NOT_WRITTEN.includes(statement.name.text))
      writeAlias(statement.name.text, statement.type, docOf(statement));
    else if (!ts.isTypeAliasDeclaration(statement) && !ts.isImportDeclaration(statement)) throw unknown(statement);
  }
  const [gone] = unused;
  if (gone !== undefined) throw new Error(`The contract has no number ${gone}: correct FRACTIONS in tools/task-types.`);
  return `${[HEAD, ...blocks].join('\n\n\n')}\n`;
}

export function readSources(): Record<string, string> {
  return Object.fromEntries(
    SOURCES.map((name) => [name, readFileSync(join(ROOT, `libs/engine/src/${name}.ts`), 'utf8')]),
  );
}

/** The name of a member of a union: the first value of its first field, else the name of that field. */
function memberName(member: ts.TypeLiteralNode): string {
  const [first] = member.members;
  if (!first?.name) throw unknown(member);
  return capitalised(discriminantOf(member) ?? first.name.getText());
}

function discriminantOf({ members: [first] }: ts.TypeLiteralNode): string | undefined {
  return first && ts.isPropertySignature(first) && first.type ? literalsOf(first.type)[0] : undefined;
}

function isStringLiteral(type: ts.TypeNode): boolean {
  return ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal);
}

/** The texts of a string literal or of a union of such; none for another type. */
function literalsOf(type: ts.TypeNode): string[] {
  if (ts.isUnionTypeNode(type)) return type.types.flatMap(literalsOf);
  return ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal) ? [type.literal.text] : [];
}

function toLiteral(texts: readonly string[]): string {
  return `Literal[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;
}

function capitalised(name: string): string {
  return name
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

/** The comment right before a declaration, and not the comment of its file. */
function docOf(node: ts.Node): string {
  return commentIn(node.getSourceFile().text.slice(node.getFullStart(), node.getStart()));
}

function commentIn(text: string): string {
  const comments = [...text.matchAll(/\/\*\*([^]*?)\*\/(\s*)/g)];
  const last = comments.at(-1);
  // A comment with an empty line after it is about the file.
  if (!last || /\n\s*\n/.test(last[2] ?? '')) return '';
  return (last[1] ?? '')
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function unknown(node: ts.Node): Error {
  const text = node.getText().replace(/\s+/g, ' ').slice(0, 80);
  return new Error(`${node.getSourceFile().fileName}: tools/task-types has no Python for "${text}".`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PYTHON_TASKS, toPythonTasks());
