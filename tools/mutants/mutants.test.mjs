// The rows of list.mjs must outlive what does not concern them, and be missed where it does; and
// the arithmetic of the samples must be able to fail.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Lang, parse} from '@ast-grep/napi';
import {generatedMutants, SECTIONS} from './generated.mjs';
import rows, {WEB} from './list.mjs';
import {mostSurvivors, sampleOf} from './sample.mjs';
import {compiled, edited, readSource, sectionsOf} from './source.mjs';
import {matchOf, withoutComments} from './written.mjs';

const FIELD = 'public_field_definition';

const source = readSource();

/** The rows that do not fit this text, by their rule. */
const staleIn = (text, all = rows) =>
  all.filter((row) => {
    try {
      matchOf(text, row);
      return false;
    } catch (error) {
      if (!/^STALE /.test(error.message)) throw error;
      return true;
    }
  });

const namesOf = (nodes) => nodes.map((node) => node.text());
const called = (nodes) => nodes.map((node) => node.field('name').text());

/** The names of locals, parameters and what is not exported. */
function ownNames(all) {
  const declared = (kind, field) => namesOf(all({kind: 'identifier', inside: {kind, field}}));
  const kept = new Set([
    ...called(
      all({kind: 'variable_declarator', inside: {kind: 'ambient_declaration', stopBy: 'end'}}),
    ),
    ...called(
      all({any: [{kind: 'function_declaration'}, {kind: 'class_declaration'}]}).filter(isExported),
    ),
    ...called(all({kind: 'variable_declarator'}).filter((node) => isExported(node.parent()))),
    // A short form in a literal is the name of a member as well.
    ...namesOf(all({kind: 'shorthand_property_identifier'})),
    ...namesOf(all({kind: 'shorthand_property_identifier_pattern'})),
  ]);
  const own = [
    ...declared('variable_declarator', 'name'),
    ...declared('function_declaration', 'name'),
    ...declared('catch_clause', 'parameter'),
    ...declared('required_parameter'),
    ...declared('optional_parameter'),
    ...declared('array_pattern'),
    ...called(all({kind: 'class_declaration'})),
  ];
  return new Set(own.filter((name) => !kept.has(name)));
}

/** Everything that sse.ts has for itself under another name: a program that need not run. */
function renamed(text) {
  const root = parse(Lang.TypeScript, text).root();
  const all = (rule) => root.findAll({rule});
  const isProtected = {has: {kind: 'accessibility_modifier'}};
  const open = called(all({kind: 'method_definition', not: isProtected}));
  const members = new Set(
    called(all({...isProtected, any: [{kind: 'method_definition'}, {kind: FIELD}]})).filter(
      (name) => !open.includes(name),
    ),
  );
  const own = ownNames(all);
  const found = {
    private: all({kind: 'private_property_identifier'}),
    protected: all({kind: 'property_identifier'}).filter(
      (node) => members.has(node.text()) && !isOfLiteral(node),
    ),
    own: all({any: [{kind: 'identifier'}, {kind: 'type_identifier'}]}).filter((node) =>
      own.has(node.text()),
    ),
  };
  const ends = Object.values(found).flatMap((nodes) => nodes.map((node) => node.range().end.index));
  ends.sort((a, b) => b - a);
  return {
    text: ends.reduce((code, end) => edited(code, {start: end, end, text: 'Renamed'}), text),
    found,
  };
}

function isExported(node) {
  return node.parent().kind() === 'export_statement';
}

function isOfLiteral(node) {
  return ['pair', 'pair_pattern', 'property_signature'].includes(node.parent().kind());
}

/** One line for each section: no comment, no line end, no space more than one. */
function flat(text) {
  const bare = withoutComments(text);
  return sectionsOf(text)
    .map(({start, end}) => {
      const banner = text.slice(start, text.indexOf('\n', start));
      const root = parse(Lang.TypeScript, bare.slice(start, end)).root();
      const leaves = [];
      const visit = (node) => {
        const isWhole = /string|regex/.test(node.kind());
        if (isWhole || node.children().length === 0) leaves.push(node);
        else node.children().forEach(visit);
      };
      visit(root);
      let code = '';
      let last = 0;
      for (const leaf of leaves) {
        const {start: from, end: to} = leaf.range();
        if (from.index > last) code += ' ';
        code += leaf.text();
        last = to.index;
      }
      return `${banner}\n${code}\n`;
    })
    .join('');
}

test('rows: each fits sse.ts once, and its mutant is another program', async () => {
  assert.deepEqual(
    staleIn(source).map(({rule}) => rule),
    [],
  );
  const right = await compiled(source);
  for (const row of rows) {
    const mutant = await compiled(edited(source, matchOf(source, row)));
    assert.notEqual(mutant, right, row.rule);
  }
});

test('rows: each says another rule, and where', () => {
  assert.equal(new Set(rows.map(({rule}) => rule)).size, rows.length);
  const sections = sectionsOf(source).map(({name}) => name);
  for (const row of rows) {
    assert.ok(sections.includes(row.section), row.rule);
    assert.doesNotMatch(JSON.stringify(row), /#/, 'it names what is private');
  }
});

test('rows: other names of what is private make none stale', () => {
  const {text, found} = renamed(source);
  assert.ok(found.private.length > 50 && found.own.length > 500);
  assert.doesNotMatch(withoutComments(text), /#\w+\b(?<!Renamed)|\bafterColon\b|\bcolon\b/);
  assert.deepEqual(
    staleIn(text).map(({rule}) => rule),
    [],
  );
});

test('rows of web-event-source.ts: the same of these', async () => {
  const web = readSource('web-event-source.ts');
  const {text, found} = renamed(web);
  assert.ok(found.private.length > 20 && found.own.length > 50);
  for (const each of [web, text]) {
    assert.deepEqual(
      staleIn(each, WEB).map(({rule}) => rule),
      [],
    );
  }
  const right = await compiled(web);
  for (const row of WEB) {
    assert.notEqual(await compiled(edited(web, matchOf(web, row))), right, row.rule);
    assert.doesNotMatch(JSON.stringify(row), /#/, 'it names what is private');
  }
  assert.equal(new Set([...rows, ...WEB].map(({rule}) => rule)).size, rows.length + WEB.length);
  assert.equal(staleIn('', WEB).length, WEB.length);
});

test('rows: another layout makes none stale', () => {
  for (const text of [flat(source), flat(renamed(source).text)]) {
    assert.ok(text.split('\n').length < source.split('\n').length / 10);
    assert.deepEqual(
      staleIn(text).map(({rule}) => rule),
      [],
    );
  }
});

test('rows: a rule that is gone, or there twice, is STALE', () => {
  const row = {
    section: 'Decoding',
    rule: 'a rule',
    pattern: 'this.$A = false;',
    rewrite: ';',
  };
  const code = (body) => `// ── 3. Decoding ──\nclass A {a() {${body}}}\n`;
  assert.equal(matchOf(code('this.#b = false;'), row).text, ';');
  assert.throws(() => matchOf(code(''), row), /^Error: STALE Decoding: a rule\n.* fits nothing/);
  const twice = code('this.#b = false;\nthis.#c = false;');
  assert.throws(() => matchOf(twice, row), /^Error: STALE Decoding: a rule\n.* fits lines 2, 3/);
  const elsewhere = '// ── 4. Parsing ──\nclass A {a() {this.#b = false;}}\n';
  assert.throws(() => matchOf(code('') + elsewhere, row), /fits nothing/);
  assert.throws(() => matchOf(elsewhere, row), /no section 'Decoding'; it has Parsing/);
});

test('rows: what is named elsewhere, after and inside', () => {
  const code = `// ── 3. Decoding ──
    function f(a) { let b = a.length; g(); return b; }
    function h(a) { k(); g(); }`;
  const base = {section: 'Decoding', rule: 'a rule', pattern: 'g();'};
  const after = matchOf(code, {...base, after: 'let $B = $A.length;', rewrite: '$B = 1;'});
  assert.deepEqual([after.line, after.text], [2, 'b = 1;']);
  const inside = {context: 'function h($P) { $$$B }', selector: 'function_declaration'};
  const found = matchOf(code, {...base, inside, names: 'let $N = $X', rewrite: '$P($N);'});
  assert.deepEqual([found.line, found.text], [3, 'a(b);']);
  assert.throws(
    () => matchOf(code, {...base, inside, rewrite: '$UNKNOWN'}),
    /'a rule' knows no \$UNKNOWN/,
  );
});

test('generated: an edit of sse.ts each, in every section', async () => {
  const mutants = await generatedMutants(source);
  for (const name of SECTIONS) {
    assert.ok(mutants.filter(({section}) => section === name).length > 30, name);
  }
  const lines = source.split('\n');
  for (const {line, was, start} of mutants) {
    assert.ok(lines[line - 1].includes(was.split('\n')[0]), `${line}: ${was}`);
    assert.ok(source.startsWith(was, start));
  }
  const [first] = mutants;
  const right = await compiled(source);
  assert.notEqual(await compiled(edited(source, first)), right);
});

test('samples: the same for the same seed, and some of every section', () => {
  const mutants = Array.from({length: 500}, (_, number) => ({
    section: number < 100 ? 'A' : 'B',
    number,
  }));
  const sample = sampleOf(mutants, 'a').slice(0, 60);
  assert.deepEqual(sample, sampleOf(mutants, 'a').slice(0, 60));
  assert.notDeepEqual(sample, sampleOf(mutants, 'b').slice(0, 60));
  assert.equal(new Set(sampleOf(mutants, 'a')).size, mutants.length);
  // 100 and 400 of them: one to two
  assert.equal(sample.filter(({section}) => section === 'A').length, 20);
});

test('samples: how many survivors chance explains', () => {
  assert.equal(mostSurvivors({total: 100, survived: 0}, 20), 0);
  assert.equal(mostSurvivors({total: 100, survived: 7}, 100), 7);
  // 2 are to be expected; the chance of more than 6 is 3.9e-4, of more than 7 it is 2.4e-5
  assert.equal(mostSurvivors({total: 100, survived: 10}, 20), 7);
});
