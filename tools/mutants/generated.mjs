// Mutants that StrykerJS makes: of every operator, literal, condition, block and the like.
//
// Only its instrumenter is used, to find them. StrykerJS's own way of running them is a build that
// holds all of them behind switches, and counts every visit: the parser's tests take four times as
// long there. Here each is an edit of sse.ts, built alone, and so its line is one of sse.ts.

import {Instrumenter} from '@stryker-mutator/instrumenter';
import {lineAt, sectionOf} from './source.mjs';

/** The pure sections, which the tests without sockets reach in full. */
export const SECTIONS = ['Events', 'Decoding', 'Parsing', 'EventSource', 'Reconnection'];

/** Replace statements, not expressions. */
const OF_STATEMENTS = ['BlockStatement'];
/** A condition that a loop has not is put into the whole loop. */
const LOOP = /^(?:for|while) ?\(/;

const LOGGER = {debug() {}, info() {}, warn: console.warn, isDebugEnabled: () => false};
const OPTIONS = {plugins: null, excludedMutations: [], ignorers: []};

/** [{section, line, kind, was, is, text, start, end}], in the order of the source. */
export async function generatedMutants(source) {
  const file = {name: 'sse.ts', mutate: true, content: source};
  const {mutants} = await new Instrumenter(LOGGER).instrument([file], OPTIONS);
  const lines = [0, ...[...source.matchAll(/\n/g)].map(({index}) => index + 1)];
  const offset = ({line, column}) => lines[line] + column;
  const sections = SECTIONS.map((name) => sectionOf(source, name));
  return mutants
    .map(({location, mutatorName: kind, replacement: is}) => {
      const start = offset(location.start);
      const end = offset(location.end);
      const section = sections.find((each) => start >= each.start && start < each.end)?.name;
      const was = source.slice(start, end);
      // What was printed alone may bind in another way among its neighbours, and end in a comment.
      const isStatement = OF_STATEMENTS.includes(kind) || LOOP.test(was);
      const text = isStatement ? is : `(${is}\n)`;
      return {section, line: lineAt(source, start), kind, was, is, text, start, end};
    })
    .filter(({section}) => section !== undefined);
}
