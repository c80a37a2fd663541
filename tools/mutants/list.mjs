// The mutants that StrykerJS cannot make (it drops no statement and no argument, and replaces
// nothing by what is merely less), or makes in sections that its run leaves out. Each breaks one
// rule, and the tests must notice it. How a row is found is said in written.mjs.
//
// The rows of Events, Decoding and Parsing serve the fuzzer as well, whose own check is that it
// finds them (node test/fuzz/fuzz.mjs --self-check): so they are all there, also those that
// StrykerJS makes. `unfuzzed` says why the fuzzer need not find one.

const {raw} = String;

/** A clause, a block, a method: no code by itself. */
const catching = (code) => ({context: `try {} ${code}`, selector: 'catch_clause'});
const block = (code) => ({context: `function f() ${code}`, selector: 'statement_block'});
const method = (code) => ({context: `class A {${code}}`, selector: 'method_definition'});

const ERRORS = [
  {
    rule: 'a message shows only the beginning of what a server sent',
    pattern: 'JSON.stringify($TEXT.slice(0, $SHOWN))',
    rewrite: 'JSON.stringify($TEXT)',
  },
  {
    rule: 'an SSEError has its cause',
    pattern: 'super($MESSAGE, $CAUSE === undefined ? $CAUSE : $OPTIONS)',
    rewrite: 'super($MESSAGE)',
  },
  {
    rule: 'a number out of range is a RangeError',
    pattern: 'if (!$OK) throw new $KIND($MESSAGE);',
    rewrite: 'if (!$OK) throw new TypeError($MESSAGE);',
  },
  {
    rule: 'the reason is looked for among the causes',
    pattern: '$AT = $CAUSE_OF($AT)',
    rewrite: '$AT = undefined',
  },
  {
    rule: 'what is no text ends no loop',
    pattern: catching('catch { $TEXT ||= typeof $ERROR; }'),
    rewrite: 'catch (why) { throw why; }',
  },
  {
    rule: 'of several reasons side by side the first one is told',
    pattern: 'Array.isArray($ERROR.errors) ? $FIRST : undefined',
    rewrite: 'undefined',
  },
  {
    rule: 'what acts on a terminal is shown by its number',
    pattern: '$TEXT.replace($UNPRINTABLE, $SHOWN)',
    rewrite: '$TEXT',
  },
];

const EVENTS = [
  {
    rule: 'the error of json() has its cause',
    pattern: `new SSEError('json', $MESSAGE, $CAUSE)`,
    rewrite: `new SSEError('json', $MESSAGE)`,
    unfuzzed: 'it reads streams, and no JSON',
  },
  {
    rule: 'formatEvent refuses an id with CR',
    pattern: raw`$WRITE('id', $ID, /[\r\n\0]/)`,
    rewrite: raw`$WRITE('id', $ID, /[\n\0]/)`,
  },
  {
    rule: 'formatEvent refuses a type with LF',
    pattern: raw`/[\r\n]/`,
    rewrite: raw`/[\r]/`,
  },
  {
    rule: 'formatEvent begins a line at CR and CRLF, too',
    pattern: raw`/\r\n|\r|\n/`,
    rewrite: raw`/\n/`,
  },
];

const DECODING = [
  {
    rule: 'a leading BOM goes',
    pattern: '$TEXT.charCodeAt(0) === 0xfeff ? $TEXT.slice(1) : $TEXT',
    rewrite: '$TEXT',
  },
  {
    rule: 'no other BOM goes',
    pattern: 'this.$AT_START = false;',
    rewrite: ';',
  },
  {
    rule: 'a sequence of UTF-8 may be cut',
    pattern: '$DECODER.decode($BYTES, {stream: true})',
    rewrite: '$DECODER.decode($BYTES)',
  },
  {
    rule: 'a sequence of UTF-8 may be cut after ASCII',
    pattern: 'this.$WIDE || $ENDS_OPEN',
    rewrite: 'this.$WIDE',
  },
  {
    rule: 'a sequence of UTF-8 may be cut twice',
    pattern: '$ENDS_OPEN || $TEXT.length < $LENGTH ? $WIDE : $LESS',
    rewrite: '0',
  },
  {
    rule: 'a text ends the sequence of UTF-8 before it',
    pattern: `if (this.$WIDE) $TEXT = this.$DECODER?.decode() ?? '';`,
    rewrite: ';',
  },
  {
    rule: 'a BOM goes once, not by TextDecoder as well',
    pattern: 'new TextDecoder($LABEL, {ignoreBOM: true, $FATAL})',
    rewrite: 'new TextDecoder($LABEL, {ignoreBOM: false, $FATAL})',
  },
];

const LINE_END = `
  if ($CR < $LF) {
    $$$BEFORE
    if ($AFTER === $LF) $AFTER++;
    else this.$NEXT = $LF;
  } else if ($LF === $LENGTH) { $$$REST }
`;

const PARSING = [
  {
    rule: 'CR ends a line',
    pattern: 'if ($CR < $LF) { $$$BEFORE } else if ($LF === $LENGTH) { $$$REST }',
    rewrite: 'if (false) { $$$BEFORE } else if ($LF === $LENGTH) { $$$REST }',
  },
  {
    rule: 'every CR ends a line',
    pattern: raw`this.$NEXT = $CR = $INDEX($TEXT, '\r', $START)`,
    rewrite: 'this.$NEXT = $CR = $TEXT.length',
  },
  {
    rule: 'LF ends a line, also far from a CR',
    pattern: LINE_END,
    rewrite: LINE_END.replace('this.$NEXT = $LF', 'this.$NEXT = $LENGTH'),
  },
  {
    rule: 'CRLF ends one line',
    pattern: LINE_END,
    rewrite: LINE_END.replace(/if \(\$AFTER[\s\S]*?else/, 'if ($AFTER !== $LF)'),
  },
  {
    rule: 'CRLF ends one line, also cut in two',
    pattern: 'this.$SKIP = $AFTER === $LENGTH;',
    rewrite: ';',
  },
  {
    rule: 'LF is skipped once',
    pattern: block(`{
      $$$BEFORE
      this.$POSITION = this.$SKIP && $TEXT.charCodeAt(0) === $LF ? 1 : 0;
      this.$SKIP = false;
      return true;
    }`),
    rewrite: `{
      $$$BEFORE
      this.$POSITION = this.$SKIP && $TEXT.charCodeAt(0) === $LF ? 1 : 0;
      return true;
    }`,
  },
  {
    rule: 'one space goes from data',
    pattern: '$TEXT.charCodeAt($START + 5) === $SPACE ? $START + 6 : $START + 5',
    rewrite:
      '$TEXT.charCodeAt($START + 5) === $SPACE'
      + ' ? $START + 6 + +($TEXT.charCodeAt($START + 6) === $SPACE) : $START + 5',
  },
  {
    rule: 'one space goes from other fields',
    pattern: '$TEXT.charCodeAt($COLON + 1) === $SPACE ? $COLON + 2 : $COLON + 1',
    rewrite:
      '$TEXT.charCodeAt($COLON + 1) === $SPACE'
      + ' ? $COLON + 2 + +($TEXT.charCodeAt($COLON + 2) === $SPACE) : $COLON + 1',
  },
  {
    rule: 'data needs no colon',
    pattern: '$TEXT.charCodeAt($START + 4) !== $COLON && $END !== $START + 4',
    rewrite: '$TEXT.charCodeAt($START + 4) !== $COLON',
  },
  {
    rule: 'a field that begins with data is another one',
    pattern: '$TEXT.charCodeAt($START + 4) !== $COLON && $END !== $START + 4',
    rewrite: 'false',
  },
  {
    rule: 'event needs no colon',
    pattern: '$TEXT.charCodeAt($START + 5) === $COLON || $END === $START + 5',
    rewrite: '$TEXT.charCodeAt($START + 5) === $COLON',
  },
  {
    rule: 'a field that begins with event is another one',
    pattern: '$TEXT.charCodeAt($START + 5) === $COLON || $END === $START + 5',
    rewrite: 'true',
  },
  {
    rule: 'id needs no colon',
    pattern: '$TEXT.charCodeAt($START + 2) === $COLON || $END === $START + 2',
    rewrite: '$TEXT.charCodeAt($START + 2) === $COLON',
  },
  {
    rule: 'a field that begins with id is another one',
    pattern: '$TEXT.charCodeAt($START + 2) === $COLON || $END === $START + 2',
    rewrite: 'true',
  },
  {
    rule: 'lines of data are joined with LF',
    pattern: raw`$DATA += '\n' + $VALUE`,
    rewrite: '$DATA += $VALUE',
  },
  {
    rule: 'long data is kept',
    pattern: `if ($DATA.length > $JOIN) { this.$LONG.add($DATA); $DATA = ''; }`,
    rewrite: `if ($DATA.length > $JOIN) $DATA = '';`,
    unfuzzed: 'only texts of tens of thousands of units meet it',
  },
  {
    rule: 'data without a value is data',
    pattern: 'if ($DATA === undefined) $DATA = $VALUE; else { $$$MORE }',
    rewrite: 'if (!$DATA) $DATA = $VALUE || undefined; else { $$$MORE }',
  },
  {
    rule: 'the type ends with its block',
    pattern: `this.$TYPE = '';`,
    inside: 'while ($MORE) { $$$LINE }',
    rewrite: ';',
  },
  {
    rule: 'an empty type is the default',
    pattern: 'new SSEEvent($TYPE || $DEFAULT, $$$REST)',
    rewrite: 'new SSEEvent($TYPE, $$$REST)',
  },
  {
    rule: 'a copy of an id is the whole id',
    pattern: `(' ' + $TEXT).slice(1)`,
    rewrite: `(' ' + $TEXT).slice(2)`,
  },
  {
    rule: 'an empty retry is none',
    pattern: '/^[0-9]+$/',
    rewrite: '/^[0-9]*$/',
  },
  {
    rule: 'retry is a safe integer',
    pattern: 'Math.min(+$VALUE, Number.MAX_SAFE_INTEGER)',
    rewrite: '+$VALUE',
  },
  {
    rule: 'onComment gets comments',
    pattern: 'this.$ON_COMMENT?.($TEXT);',
    rewrite: ';',
  },
  {
    rule: 'a comment stands between lines of data',
    pattern: block(`{
      this.$POSITION = $AT;
      this.$DATA = $TEXT;
      this.$ROOM = $LEFT;
      this.$ON_COMMENT?.($COMMENT);
      $$$AFTER
    }`),
    rewrite: `{
      this.$POSITION = $AT;
      this.$ON_COMMENT?.($COMMENT);
      $$$AFTER
    }`,
  },
  {
    rule: 'an event of just the limit passes',
    pattern: 'if ($END - $START > $ROOM) $EXCEED',
    rewrite: 'if ($END - $START >= $ROOM) $EXCEED',
  },
  {
    rule: 'the limit counts the lines of data before',
    pattern: '$ROOM -= $VALUE.length;',
    rewrite: ';',
  },
  {
    rule: 'the limit counts a line that is not whole',
    pattern: 'if ($LENGTH > this.$ROOM) $EXCEED',
    rewrite: ';',
  },
  {
    rule: 'small chunks are gathered up to the limit',
    pattern: '$TIME || $SIZE + this.$LINE.length >= this.$ROOM',
    rewrite: '$TIME',
  },
  {
    rule: 'small chunks are gathered up to a line end',
    pattern: 'return $HAS_END || $SIZE > $FULL || $LIMIT;',
    rewrite: 'return $SIZE > $FULL || $LIMIT;',
  },
  {
    rule: 'small chunks come before a large one',
    pattern: 'if (this.$BYTES.length || (this.$GATHERED && !$IS_SMALL)) $FLUSH',
    rewrite: 'if (this.$BYTES.length) $FLUSH',
  },
  {
    rule: 'nothing is parsed after the limit',
    pattern: 'throw (this.$FAILURE = $ERROR)',
    rewrite: 'throw $ERROR',
  },
  {
    rule: 'feed() returns the events before an error',
    pattern: 'if (!$EVENTS.length) throw $ERROR;',
    rewrite: 'throw $ERROR;',
  },
  {
    rule: 'feed() throws that error the next time',
    pattern: 'this.$OWED = $WHAT;',
    inside: catching('catch ($ERROR) { $$$REST }'),
    rewrite: ';',
  },
  {
    rule: 'feed() throws that error once',
    pattern: 'this.$OWED = undefined;',
    after: 'const $WAS = this.$OWED;',
    rewrite: ';',
  },
  {
    rule: 'the bytes of a chunk outlast a callback that throws',
    pattern: 'this.$DECODER.decode($SMALL) + this.$DECODER.decode($LARGE)',
    rewrite: 'this.$DECODER.decode($SMALL)',
  },
  {
    rule: 'a line may come with its end',
    pattern: 'if ($LINE.charCodeAt($END - 1) === $LF) $END--;',
    rewrite: ';',
  },
  {
    rule: 'a line that waits behind a CR is a line of its own',
    pattern: raw`this.$REST += $LINE.slice(0, $END) + '\r\n'`,
    rewrite: raw`this.$REST += $LINE.slice(0, $END) + '\n'`,
    unfuzzed: 'it asks for events after each line',
  },
  {
    rule: 'a block without data is no event',
    pattern: 'if ($DATA === undefined) { $ROOM = this.$MAX; continue; }',
    rewrite: "$DATA ??= '';",
  },
  {
    rule: 'an id with NUL is none',
    pattern: "if ($ID.includes('\\0')) return 0;",
    rewrite: ';',
  },
  {
    rule: 'an id counts from the end of its block on',
    pattern: 'this.$BUFFER = $COPY($ID);',
    names: "this.$BUFFER = this.$IN_FORCE = $OPTIONS.lastEventId ?? ''",
    rewrite: 'this.$BUFFER = this.$IN_FORCE = $COPY($ID);',
  },
  {
    rule: 'the limit counts the type',
    pattern: '$ROOM += this.$TYPE.length - $NEW.length;',
    rewrite: ';',
  },
  {
    rule: 'the limit counts an id that the block sets',
    pattern: '$ROOM += this.$ID($VALUE);',
    rewrite: 'this.$ID($VALUE);',
  },
  {
    rule: 'an id that is set again counts once',
    pattern: 'const $GAINED = this.$SIZE - $ID.length;',
    rewrite: 'const $GAINED = -$ID.length;',
    unfuzzed: 'two ids in one block, and that near the limit, come up too seldom',
  },
];

const EVENT_SOURCE = [
  {
    rule: 'an empty event is no JSON',
    pattern: 'if (!$IS_DONE && $DATA) return $VALUE;',
    rewrite: 'if (!$IS_DONE) return $VALUE;',
  },
  {
    rule: 'a content type is the same in capitals',
    pattern: '$MIME_TYPE.exec($VALUE)?.[1]?.toLowerCase()',
    rewrite: '$MIME_TYPE.exec($VALUE)?.[1]',
  },
  {
    rule: 'of several content types the last valid one counts',
    pattern: '$TYPES.pop()',
    rewrite: '$TYPES.shift()',
  },
  {
    rule: 'commas in quotes end no value of a header',
    pattern: "$TYPE.replace($QUOTED, '')",
    rewrite: '$TYPE',
  },
  {
    rule: 'a Node stream is closed also if it has not begun',
    pattern: '$BODY.destroy?.();',
    rewrite: ';',
  },
  {
    rule: 'a body without iterator is an error, and no storm',
    pattern: '$MUST($CHUNKS, $NO_ITERATOR);',
    after: 'const $CHUNKS = $BODY[Symbol.asyncIterator]();',
    rewrite: ';',
  },
];

const BACKOFF = 'Math.max($BASE, Math.min($BACKOFF, $MOST), $RETRY_AFTER)';

const ITERATION = [
  {
    rule: 'return() does not wait for the next event',
    pattern: 'await $RELEASED(() => this.$SUPPLY.close());',
    names: 'this.$WAITING && !this.$LAST',
    rewrite: 'await this.$LAST; await $RELEASED(() => this.$SUPPLY.close());',
  },
  {
    rule: 'a wait has a limit',
    pattern: '$LIMIT > 0 && $LIMIT < Infinity',
    rewrite: 'false',
  },
  {
    rule: 'a wait that is over leaves no timer',
    pattern: 'clearTimeout($TIMER);',
    inside: 'const $FIRST = (): boolean => { $$$BODY };',
    rewrite: ';',
  },
  {
    rule: 'a blocking loop takes no promise',
    pattern: 'if (!$IS_PROMISE($VALUE)) return $VALUE;',
    rewrite: 'return $VALUE;',
  },
  {
    rule: 'nothing begins on a connection that is closed',
    pattern: 'if (!$ASKED.owner?.isClosed) $RESULT = $WORK;',
    rewrite: '$RESULT = $WORK;',
  },
  {
    rule: 'what has arrived before a limit was looked at counts',
    pattern: '$TIMER = setTimeout($EXPIRE, 0)',
    rewrite: '$EXPIRE()',
  },
  {
    rule: 'a failure is thrown into the script once, and not out of the loop',
    pattern: 'if (!this.$IS_OVER) { await this.return(); throw $ERROR; }',
    rewrite: 'await this.return(); throw $ERROR;',
  },
  {
    rule: 'the end of a loop is waited for no longer than a second',
    pattern: 'await Promise.race([$CLOSING, $LIMIT]);',
    rewrite: 'await $CLOSING;',
  },
];

const RECONNECTION = [
  {
    rule: 'a userinfo is one also after http: without slashes',
    pattern: `new URL($URL, 'x:/')`,
    rewrite: `new URL($URL, 'http://localhost')`,
  },
  {
    rule: 'the cap leaves what the server asked for',
    pattern: BACKOFF,
    rewrite: 'Math.min($BACKOFF, $MOST)',
  },
  {
    rule: 'the backoff has a cap',
    pattern: BACKOFF,
    rewrite: 'Math.max($BASE, $BACKOFF, $RETRY_AFTER)',
  },
  {
    rule: 'Retry-After is a delay',
    pattern: BACKOFF,
    rewrite: 'Math.max($BASE, Math.min($BACKOFF, $MOST))',
  },
  {
    rule: 'a delay is what a timer can take',
    pattern: 'Math.min(Math.max($$$DELAYS), $MOST)',
    rewrite: 'Math.max($$$DELAYS)',
  },
  {
    rule: 'a stream that ends before its last event is truncated',
    pattern: '$ERROR === undefined && !$UNTIL && !this.reconnects',
    rewrite: '$ERROR === undefined && !this.reconnects',
  },
  {
    rule: 'a redirect holds for one attempt',
    pattern: 'this.$TARGET = this.url;',
    rewrite: ';',
  },
  {
    rule: 'the redirects of one attempt are counted',
    pattern: 'this.$REDIRECTS = [];',
    rewrite: ';',
  },
  {
    rule: 'an id with control characters is not sent',
    pattern: 'if ($ID && !$CONTROLS.test($ID)) { $$$SET }',
    rewrite: 'if ($ID) { $$$SET }',
  },
  {
    rule: `the user's headers win`,
    pattern: 'for (const [$NAME, $VALUE] of $OWN) $HEADERS.set($NAME, $VALUE);',
    rewrite:
      'for (const [$NAME, $VALUE] of $OWN)'
      + ' if (![...$HEADERS].some(([given]) => given === $NAME.toLowerCase()))'
      + ' $HEADERS.set($NAME, $VALUE);',
  },
  {
    rule: 'an event ends the row of failures',
    pattern: 'this.$FAILURES = 0;',
    inside: method('delivered($$$EVENT): $LAST { $$$BODY }'),
    rewrite: ';',
  },
  {
    rule: 'a POST is not sent again',
    pattern: '$OPTIONS.reconnect ?? $IS_SAFE(this.$METHOD)',
    rewrite: '$OPTIONS.reconnect ?? true',
  },
  {
    rule: 'the next attempt has its headers again, also after another origin',
    pattern: 'this.$CROSSED = this.$IS_GET = false;',
    rewrite: ';',
  },
  {
    rule: 'what a 303 has made a GET says nothing of a body',
    pattern: "if ($NAME.startsWith('content-')) $HEADERS.delete($NAME);",
    rewrite: ';',
  },
  {
    rule: 'a Location of UTF-8 bytes is read as that',
    pattern: 'new URL($READ($LOCATION), $FROM.href)',
    rewrite: 'new URL($LOCATION, $FROM.href)',
  },
];

const TRANSPORTS = [
  {
    rule: 'replay goes on after the event asked for',
    pattern: '$START ? $LOG.$TEXT.slice($START) : $LOG.$CHUNKS',
    rewrite: '$LOG.$CHUNKS',
  },
  {
    rule: 'what the sink of record throws ends the loop',
    pattern: 'try { $SINK($CHUNK, $CONNECTION); } catch ($ERROR) { $$$THROW }',
    rewrite: 'try { $SINK($CHUNK, $CONNECTION); } catch {}',
  },
  {
    rule: 'httpTransport() is not for workerd',
    pattern: '$IS_WORKERD() ? undefined : $MODULE',
    rewrite: '$MODULE',
  },
  {
    rule: 'record closes what it reads',
    pattern: '$LET_GO($CHUNKS)',
    inside: method('async cancel() { $$$BODY }'),
    rewrite: 'undefined',
  },
];

const CLIENTS = [
  {
    rule: '`throw undefined` is an error, not a clean end',
    pattern: 'this.$RECONNECTION.lost($ERROR ?? null)',
    rewrite: 'this.$RECONNECTION.lost($ERROR)',
  },
  {
    rule: 'the next parser knows the id',
    pattern: 'new $PARSER({...this.$OPTIONS, lastEventId, retry})',
    rewrite: 'new $PARSER({...this.$OPTIONS, retry})',
  },
  {
    rule: 'json has its content type',
    pattern: `this.$JSON !== undefined && {'content-type': 'application/json'}`,
    rewrite: '{}',
  },
  {
    rule: 'cache is only for a fetch that knows it',
    pattern: `'cache' in $REQUEST && $OPTION`,
    rewrite: '$OPTION',
  },
  {
    rule: 'headers of a response may have a symbol among their keys',
    pattern: 'new Headers(Object.entries($HEADERS))',
    rewrite: 'new Headers($HEADERS)',
  },
  {
    rule: 'what is no URL is an error of the constructor',
    pattern: '$TRANSPORT === $FETCH ? $ABSOLUTE($URL) : $URL',
    rewrite: '$URL',
  },
  {
    rule: 'an id without event counts',
    pattern: 'this.$RECONNECTION.caughtUp($PARSER);',
    rewrite: ';',
  },
  {
    rule: 'one loop at a time',
    pattern: '$MUST(!this.$LOOP && !$OTHERS, $MESSAGE);',
    rewrite: ';',
  },
  {
    rule: 'a loop that ends late leaves the next one alone',
    pattern: block(
      '{ if (this.$LOOP !== $ENDED) return undefined; this.$LOOP = undefined; return $REST; }',
    ),
    rewrite: '{ this.$LOOP = undefined; return $REST; }',
  },
  {
    rule: 'the signal keeps no listener',
    pattern: "$SIGNAL.removeEventListener('abort', $ABORT);",
    rewrite: ';',
  },
  {
    rule: 'clients that share a signal share its listener',
    pattern: 'let $SHARED = $ALL.get($SIGNAL);',
    rewrite: 'let $SHARED;',
  },
  {
    rule: 'the loop throws the reason of its signal',
    pattern: 'if ($SIGNAL?.aborted) throw $REASON;',
    rewrite: ';',
  },
  {
    rule: 'a response that comes too late is closed',
    pattern: 'if (this.$IS_CLOSED) $DISCARD($RESPONSE); else this.$OWN = $RESPONSE;',
    rewrite: 'this.$OWN = $RESPONSE;',
  },
  {
    rule: 'what ends because somebody closed it is decided by nobody',
    pattern:
      'if ($CONNECTION.isClosed) return undefined; else if ($FAILURE) return $LOST; else $NEXT',
    rewrite: 'if ($FAILURE) return $LOST; else $NEXT',
  },
  {
    rule: 'close() ends a pending wait',
    pattern: 'this.interrupt?.();',
    rewrite: ';',
  },
  {
    rule: 'a connection that is let go is aborted',
    pattern: 'this.$CONTROLLER.abort();',
    rewrite: ';',
  },
  {
    rule: 'a body that is let go is closed',
    pattern: 'return $CHUNKS ? $LET_GO($CHUNKS) : $DISCARD($RESPONSE);',
    rewrite: 'return undefined;',
  },
  {
    rule: 'until tells the end',
    pattern: 'if ($IS_LAST) { this.$IS_CLOSED = true; void this.$RELEASE(); }',
    rewrite: ';',
  },
  {
    rule: 'nothing is delivered after close() in until',
    pattern: 'if ($CONNECTION.parser !== $PARSER) return undefined;',
    after: 'const $IS_LAST = this.$RECONNECTION.isLast($EVENT);',
    rewrite: ';',
  },
  {
    rule: 'nothing is delivered after close() in onComment',
    pattern: 'if ($CONNECTION.parser !== $PARSER) return undefined;',
    after: 'const $EVENT = $PARSER.next();',
    rewrite: ';',
  },
  {
    rule: 'little is kept of the body of an error',
    pattern: '($TEXT + $MORE).slice(0, $MOST)',
    rewrite: '($TEXT + $MORE)',
  },
  {
    rule: 'onRetry is told',
    pattern: 'if ($ON_RETRY) yield $OPERATION;',
    after: 'const $NEXT = this.$BEGIN($CONNECTION.way, $RETRY.delay);',
    rewrite: ';',
  },
  {
    rule: 'the loop takes up what open() began',
    pattern: '$HELD && !$HELD.isClosed ? $HELD : $NEW',
    rewrite: '$NEW',
  },
  {
    rule: 'reconnect() drops the connection',
    pattern: 'void this.$CONNECTION?.close();',
    inside: method('reconnect(): $NOTHING { $$$BODY }'),
    rewrite: ';',
  },
  {
    rule: 'the text of a refusal is waited for no longer than timeout',
    pattern: 'Math.min($TIMEOUT || $MOST, $MOST)',
    rewrite: 'Infinity',
  },
];

const of = (section, rows) => rows.map((row) => ({section, ...row}));

export default [
  ...of('Errors', ERRORS),
  ...of('Events', EVENTS),
  ...of('Decoding', DECODING),
  ...of('Parsing', PARSING),
  ...of('Iteration', ITERATION),
  ...of('EventSource', EVENT_SOURCE),
  ...of('Reconnection', RECONNECTION),
  ...of('Transports', TRANSPORTS),
  ...of('Clients', CLIENTS),
];
