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
    pattern: '$TEXT.replace($UNPRINTABLE, ($CHARACTER) => $SHOWN)',
    rewrite: '$TEXT',
  },
  {
    rule: 'a blocking loop takes no promise',
    pattern: 'if (!$IS_PROMISE($VALUE)) return $VALUE;',
    rewrite: 'return $VALUE;',
  },
  {
    rule: 'an unknown option is refused',
    pattern: '$MUST($KNOWN.includes($NAME), $MESSAGE);',
    rewrite: ';',
  },
  {
    rule: 'options are read by name: inherited ones count',
    pattern: 'const $VALUE = $GIVEN[$NAME];',
    rewrite: 'const $VALUE = Object.hasOwn($GIVEN, $NAME) ? $GIVEN[$NAME] : undefined;',
  },
  {
    rule: 'an error of another copy of the file is known',
    pattern: '$CLASS === $OWN && $ERROR.brand === $BRAND && $ERROR[$FIELD] !== undefined',
    rewrite: 'false',
  },
  {
    rule: 'a subclass of the user’s knows only its own errors',
    pattern: '$CLASS === $OWN && $ERROR.brand === $BRAND',
    rewrite: '$ERROR.brand === $BRAND',
  },
];

const EVENTS = [
  {
    rule: 'a schema is one',
    pattern: "$SCHEMA === undefined || typeof $CHECK === 'function'",
    rewrite: 'true',
    unfuzzed: 'it reads streams, and no JSON',
  },
  {
    rule: 'what has issues is no value',
    pattern: "'value' in $RESULT && !$RESULT.issues",
    rewrite: "'value' in $RESULT",
    unfuzzed: 'it reads streams, and no JSON',
  },
  {
    rule: 'an asynchronous schema is a TypeError where nothing waits',
    pattern: "$AT_ONCE($VALIDATE($VALUE, $SCHEMA), 'schema', $ADVICE)",
    rewrite: '$VALIDATE($VALUE, $SCHEMA)',
    unfuzzed: 'it reads streams, and no JSON',
  },
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
    rule: 'a character that the end cuts off is U+FFFD',
    pattern: 'const $OPEN = this.$WIDE ? this.$STREAMING?.decode() : $NONE;',
    rewrite: 'const $OPEN = $NONE;',
  },
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
    pattern: "if (this.$WIDE) $TEXT += this.$DECODER?.decode() ?? '';",
    rewrite: ';',
  },
  {
    rule: 'a BOM goes once, not by TextDecoder as well',
    pattern: 'new TextDecoder($LABEL, {ignoreBOM: true, $FATAL})',
    rewrite: 'new TextDecoder($LABEL, {ignoreBOM: false, $FATAL})',
  },
  {
    rule: 'small chunks are gathered up to the limit',
    pattern: 'return $HAS_END || $SIZE > $FULL || $SIZE >= $HELD;',
    rewrite: 'return $HAS_END || $SIZE > $FULL;',
  },
  {
    rule: 'small chunks are gathered up to a line end',
    pattern: 'return $HAS_END || $SIZE > $FULL || $SIZE >= $HELD;',
    rewrite: 'return $SIZE > $FULL || $SIZE >= $HELD;',
  },
  {
    rule: 'small chunks come before a large one',
    pattern: 'if ($BYTES.length >= $SMALL) $TEXT += this.$TEXT_OF($BYTES);',
    rewrite: 'if ($BYTES.length >= $SMALL) $TEXT = this.$TEXT_OF($BYTES);',
  },
];

const PARSING = [
  {
    rule: 'the line that the end cuts off belongs to the incomplete event',
    pattern: 'if (this.$LINE.length) this.$ADD(this.$LINE.drain());',
    rewrite: ';',
  },
  {
    rule: 'an incomplete event is dispatched only where that is wanted',
    pattern: 'if (this.$DISPATCHES) { $$$DISPATCH } else $TELL;',
    rewrite: '{ $$$DISPATCH }',
  },
  {
    rule: 'CR ends a line',
    pattern: 'if ($CR < $LF) { $$$END } else if ($LF === $LENGTH) break;',
    rewrite: 'if (false) { $$$END } else if ($LF === $LENGTH) break;',
  },
  {
    rule: 'every CR ends a line',
    pattern: raw`if ($CR < $START) $CR = $INDEX($TEXT, '\r', $START);`,
    rewrite: 'if ($CR < $START) $CR = $TEXT.length;',
  },
  {
    rule: 'LF ends a line, also far from a CR',
    pattern: raw`if ($LF < $START) $LF = $INDEX($TEXT, '\n', $START);`,
    rewrite: 'if ($LF < $START) $LF = $TEXT.length;',
  },
  {
    rule: 'CRLF ends one line',
    pattern: 'return $TEXT.charCodeAt($AFTER) === $LF ? $AFTER + 1 : $AFTER;',
    rewrite: 'return $AFTER;',
  },
  {
    rule: 'CRLF ends one line, also cut in two',
    pattern: 'this.$SKIP = true;',
    rewrite: ';',
    after: 'if ($AFTER < $TEXT.length) return $NEXT;',
  },
  {
    rule: 'LF is skipped once',
    pattern: 'this.$SKIP = false;',
    rewrite: ';',
    after: 'this.$POSITION = this.$SKIP && $TEXT.charCodeAt(0) === $LF ? 1 : 0;',
  },
  {
    rule: 'one space goes from a value',
    pattern:
      '$COLON + 1 < $END && $TEXT.charCodeAt($COLON + 1) === $SPACE ? $COLON + 2 : $COLON + 1',
    rewrite:
      '$COLON + 1 < $END && $TEXT.charCodeAt($COLON + 1) === $SPACE ? $COLON + 2 + +($TEXT.charCodeAt($COLON + 2) === $SPACE) : $COLON + 1',
  },
  {
    rule: 'data needs no colon',
    pattern: '$END === $START + 4 || $TEXT.charCodeAt($START + 4) === $COLON',
    rewrite: '$TEXT.charCodeAt($START + 4) === $COLON',
  },
  {
    rule: 'a field that begins with data is another one',
    pattern: '$END === $START + 4 || $TEXT.charCodeAt($START + 4) === $COLON',
    rewrite: 'true',
  },
  {
    rule: 'event needs no colon',
    pattern: '$END === $START + 5 || $TEXT.charCodeAt($START + 5) === $COLON',
    rewrite: '$TEXT.charCodeAt($START + 5) === $COLON',
  },
  {
    rule: 'a field that begins with event is another one',
    pattern: '$END === $START + 5 || $TEXT.charCodeAt($START + 5) === $COLON',
    rewrite: 'true',
  },
  {
    rule: 'id needs no colon',
    pattern: '$END === $START + 2 || $TEXT.charCodeAt($START + 2) === $COLON',
    rewrite: '$TEXT.charCodeAt($START + 2) === $COLON',
  },
  {
    rule: 'a field that begins with id is another one',
    pattern: '$END === $START + 2 || $TEXT.charCodeAt($START + 2) === $COLON',
    rewrite: 'true',
  },
  {
    rule: 'lines of data are joined with LF',
    pattern: raw`$DATA += '\n' + $LINE;`,
    rewrite: '$DATA += $LINE;',
  },
  {
    rule: 'long data is kept',
    pattern: 'this.$LONG.add($DATA);',
    after: 'if ($DATA.length <= $JOIN) return $DATA;',
    rewrite: ';',
    unfuzzed: 'only texts of tens of thousands of units meet it',
  },
  {
    rule: 'data without a value is data',
    pattern: 'if ($DATA !== undefined) return this.$EVENT($TYPE, $WHOLE);',
    rewrite: 'if ($DATA) return this.$EVENT($TYPE, $WHOLE);',
  },
  {
    rule: 'the type ends with its block',
    pattern: '$TYPE = $DEFAULT;',
    after: 'if (!$ON_EVENT) return $EVENT;',
    inside: 'while ($MORE) { $$$LINE }',
    rewrite: ';',
  },
  {
    rule: 'the type ends with its block, also without data',
    pattern: 'if ($DATA === undefined) { $TYPE = $DEFAULT; $COMMIT; $START = $AFTER; continue; }',
    rewrite: 'if ($DATA === undefined) { $COMMIT; $START = $AFTER; continue; }',
  },
  {
    rule: 'the type ends with its block, line by line',
    pattern: 'this.$TYPE = $DEFAULT;',
    after: 'this.$DATA = undefined;',
    rewrite: ';',
  },
  {
    rule: 'an empty type is the default',
    pattern: '$TEXT.slice($FROM, $END) || $DEFAULT',
    rewrite: '$TEXT.slice($FROM, $END)',
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
    pattern: 'if (!$ON_COMMENT) return undefined;',
    rewrite: 'return undefined;',
  },
  {
    rule: 'a comment stands between lines of data',
    pattern: 'this.$DATA = $VALUE;',
    rewrite: ';',
    after: 'this.$SAVE($START, $LF, $CR);',
  },
  {
    rule: 'an event of just the limit passes',
    pattern: 'if ($SIZE <= this.$MAX) return;',
    rewrite: 'if ($SIZE < this.$MAX) return;',
  },
  {
    rule: 'the limit counts the lines of data before',
    pattern: 'return $DATA + $TYPE + (this.$ID?.length ?? 0);',
    rewrite: 'return $TYPE + (this.$ID?.length ?? 0);',
  },
  {
    rule: 'the limit counts a line that is not whole',
    pattern: 'this.$MEASURE(this.$LINE.length);',
    rewrite: ';',
  },
  {
    rule: 'the limit counts what comes in one piece',
    pattern: 'if ($TEXT.length > $ROOM) { $$$CUT }',
    rewrite: ';',
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
    pattern: 'if (this.$BYTES.length) this.$REST += $TEXT;',
    rewrite: ';',
  },
  {
    rule: 'a line may come with its end',
    pattern: raw`$LINE.replace(/\r?\n$|\r$/, '') + '\r\n'`,
    rewrite: raw`$LINE + '\r\n'`,
  },
  {
    rule: 'a line that waits behind a CR is a line of its own',
    pattern: raw`$LINE.replace(/\r?\n$|\r$/, '') + '\r\n'`,
    rewrite: raw`$LINE.replace(/\r?\n$|\r$/, '') + '\n'`,
    unfuzzed: 'it asks for events after each line',
  },
  {
    rule: 'a block without data is no event',
    pattern: 'if ($DATA === undefined) { $$$BODY }',
    rewrite: ';',
    inside: 'while ($MORE) { $$$LINE }',
  },
  {
    rule: 'an id with NUL is none',
    pattern: raw`if ($ID.includes('\0')) return $REASON;`,
    rewrite: ';',
  },
  {
    rule: 'an id counts from the end of its block on',
    pattern: 'this.$NEW = $ID;',
    rewrite: 'this.$NEW = this.$IN_FORCE = $ID;',
    after: raw`if ($ID.includes('\0')) return $REASON;`,
    names: 'this.$IN_FORCE = lastEventId;',
  },
  {
    rule: 'the limit counts the type',
    pattern: 'return $DATA + $TYPE + (this.$ID?.length ?? 0);',
    rewrite: 'return $DATA + (this.$ID?.length ?? 0);',
  },
  {
    rule: 'the limit counts an id that the block sets',
    pattern: 'return $DATA + $TYPE + (this.$ID?.length ?? 0);',
    rewrite: 'return $DATA + $TYPE;',
  },
  {
    rule: 'onIgnored gets what an end leaves unfinished',
    pattern: 'const $DATA = this.$BUFFER === undefined ? undefined : this.$WHOLE(this.$BUFFER);',
    rewrite: 'const $DATA = undefined;',
    unfuzzed: 'it tells of no lines',
  },
];

const EVENT_SOURCE = [
  {
    rule: 'a Blob is not asked for its stream where it can be iterated over',
    pattern: "!$IS_STREAMED && typeof $VALUE.stream === 'function'",
    rewrite: "typeof $VALUE.stream === 'function'",
  },
  {
    rule: 'an incomplete event comes after the end',
    pattern: 'return this.$OPENED && $PARSER.next();',
    rewrite: 'return undefined;',
  },
  {
    rule: 'a value is not handed out before its schema has checked it',
    pattern: 'if (!$FITTED && !$LOST) return undefined;',
    rewrite: ';',
  },
  {
    rule: 'nothing is handed out after close(), also where a schema was waited for',
    pattern: 'const $LOST = $TEXTS.isLost?.();',
    rewrite: 'const $LOST = false;',
  },
  {
    rule: 'an output of undefined is passed over',
    pattern: 'if ($OUTPUT !== undefined) return $OUTPUT;',
    after: 'const $OUTPUT = $FITTING($RESULT, $TEXT);',
    rewrite: 'return $OUTPUT;',
  },
  {
    rule: 'what stands before a sequence is none of its records',
    pattern: 'if ($FIRST === $SEPARATOR) this.$COUNT = 0;',
    rewrite: ';',
  },
  {
    rule: 'a record that may be cut is no value',
    pattern: 'this.$SEPARATOR === $RS && $CUTTABLE.test($TEXT)',
    rewrite: 'false',
  },
  {
    rule: 'blank lines are passed over',
    pattern: 'if (!$TEXT.trim()) return undefined;',
    rewrite: ';',
  },
  {
    rule: 'a line has a limit',
    pattern: 'if ($SIZE > this.$MAX) throw $TOO_LARGE;',
    rewrite: ';',
  },
  {
    rule: 'the last line needs no end',
    pattern: 'return this.$OVER ? this.$TAKEN() : undefined;',
    rewrite: 'return undefined;',
  },
  {
    rule: 'blank lines count',
    pattern: 'this.$COUNT++;',
    rewrite: 'if (text.trim()) this.$COUNT++;',
  },
  {
    rule: 'an empty event is no JSON',
    pattern: 'if (!$IS_DONE && $DATA) return $VALUE;',
    after: '$IS_DONE = $DATA === $DONE?.trim();',
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
  {
    rule: 'headers of a response may have a symbol among their keys',
    pattern: 'for (const [$NAME, $VALUE] of Object.entries($PLAIN)) { $$$SET }',
    names: "$NAME.startsWith(':')",
    rewrite:
      'for (const $NAME of Reflect.ownKeys($PLAIN)) { const $VALUE = $PLAIN[$NAME]; $$$SET }',
  },
];

const BACKOFF = 'Math.max($BASE, Math.min($BACKOFF, $MOST), $RETRY_AFTER)';

const ITERATION = [
  {
    rule: 'null is a value, in the blocking loop, too',
    pattern: 'if ($VALUE === undefined && !this.$OVER) $VALUE = this.$RUN();',
    rewrite: 'if (!$VALUE && !this.$OVER) $VALUE = this.$RUN();',
  },
  {
    rule: 'a loop that is left waits for no schema',
    pattern: 'this.$SUPPLY.owner.wait?.interrupt();',
    rewrite: ';',
  },
  {
    rule: 'answers come in the order of the calls',
    pattern: 'this.$IN_TURN($LAST.then($RUN, $RUN))',
    rewrite: '$LAST.then($RUN, $RUN)',
  },
  {
    rule: 'no call of next() overtakes the event that `until` judges',
    pattern: "this.$WORKING = 'itself';",
    rewrite: ';',
    after: 'if (this.$WORKING) throw $ERROR;',
  },
  {
    rule: 'a call of next() that is refused ends no loop',
    pattern: 'if (!($ERROR instanceof $REENTRY)) this.return();',
    rewrite: 'this.return();',
  },
  {
    rule: 'the script is not asked while it is at work',
    pattern: "this.$WORKING = 'itself';",
    rewrite: ';',
    after: 'const {script} = this.$SUPPLY;',
  },
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
    pattern: 'clearTimeout(this.$TIMER);',
    rewrite: ';',
  },
  {
    rule: 'nothing begins on a connection that is closed',
    pattern: 'if (!$ASKED.owner?.isClosed) $RESULT = $WORK;',
    rewrite: '$RESULT = $WORK;',
  },
  {
    rule: 'what has arrived before a limit was looked at counts',
    pattern: 'this.$IN(0, () => this.$EXPIRE());',
    rewrite: 'this.$EXPIRE();',
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
    rule: 'another origin gets none of the headers of the options',
    pattern: '$RESUMED && ($RESUMED.isElsewhere || $IS_OF_BODY($NAME))',
    rewrite: '$RESUMED && $IS_OF_BODY($NAME)',
  },
  {
    rule: 'a request that goes on says nothing of the body of the first one',
    pattern: '$RESUMED && ($RESUMED.isElsewhere || $IS_OF_BODY($NAME))',
    rewrite: '$RESUMED && $RESUMED.isElsewhere',
  },
  {
    rule: 'the headers that resume returns are sent',
    pattern: 'if ($RESUMED) for (const [$NAME, $VALUE] of $RESUMED.headers) $SET;',
    rewrite: ';',
  },
  {
    rule: 'a first request is not repeated for resume',
    pattern: 'this.$OPENED && !!this.$OPTIONS.resume',
    rewrite: '!!this.$OPTIONS.resume',
  },
  {
    rule: 'with resume, clients of every method connect again',
    pattern: 'this.$OPENED && !!this.$OPTIONS.resume',
    rewrite: 'false',
  },
  {
    rule: 'with resume, a clean end of a POST is the end',
    pattern: 'if ($ERROR === undefined && !this.reconnects && !$UNTIL) return $STOP;',
    rewrite: 'if ($ERROR === undefined && !this.mayReconnect && !$UNTIL) return $STOP;',
  },
  {
    rule: 'json that resume returns has its content type',
    pattern: 'if ($JSON !== undefined && !$OWN.get($TYPE)) $SET;',
    rewrite: ';',
  },
  {
    rule: 'a URL of resume holds no userinfo',
    pattern: '$MUST(!$HAS_USERINFO($TO.href), $MESSAGE);',
    rewrite: ';',
  },
  {
    rule: 'a URL of resume is for HTTP',
    pattern: "$MUST([$OWN, 'http:', 'https:'].includes($TO.protocol), $MESSAGE);",
    rewrite: ';',
  },
  {
    rule: 'resume is no use with reconnect: false',
    pattern: '$MUST(!$GIVEN.resume || $GIVEN.reconnect !== false, $MESSAGE);',
    rewrite: ';',
  },
  {
    rule: 'undefined: the stream is not gone on with',
    pattern: 'if ($ANSWER !== undefined) { $$$RESUME }',
    rewrite: '{ $ANSWER ??= {}; $$$RESUME }',
  },
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
    pattern: '$ERROR === undefined && !$GOES_ON && !$UNTIL',
    rewrite: '$ERROR === undefined && !$GOES_ON',
  },
  {
    rule: 'a redirect holds for one attempt',
    pattern: 'this.$TARGET = this.$RESUMED?.url ?? this.url;',
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
    pattern: 'if ($IS_OF_BODY($NAME)) $HEADERS.delete($NAME);',
    rewrite: ';',
  },
  {
    rule: 'a Location of UTF-8 bytes is read as that',
    pattern: 'new URL($READ($LOCATION), $FROM.href)',
    inside: 'try { $$$READ_IT } catch { $$$NO_URL }',
    rewrite: 'new URL($LOCATION, $FROM.href)',
  },
  {
    rule: 'retryStatus as a function is asked before the stream has been open, too',
    pattern: "if (typeof $RETRY === 'function') { $$$ASK }",
    rewrite: "if (typeof $RETRY === 'function' && $STATE.opened) { $$$ASK }",
    names: 'const $STATE = {opened: $OPENED, attempt: $FAILURES};',
  },
  {
    rule: 'what retryStatus allows is allowed once',
    pattern: 'this.$MAY = false;',
    inside: method('begin($NOW: number): Attempt { $$$BODY }'),
    rewrite: ';',
  },
  {
    rule: 'a certificate is final only until the stream has been open',
    pattern: 'if ($OPENED) return undefined;',
    rewrite: ';',
  },
  {
    rule: 'a network failure that a transport wraps is a loss',
    pattern: "$CAUSE.name === 'TypeError' && !$NETWORK.test($CAUSE.message)",
    rewrite: "$CAUSE.name === 'TypeError'",
  },
  {
    rule: 'it warns once',
    pattern: 'if (this.$OPENED || this.$HAS_WARNED) return false;',
    rewrite: 'if (this.$OPENED) return false;',
  },
  {
    rule: 'a date of Retry-After ends in GMT',
    pattern: '/GMT$/.test($TEXT)',
    rewrite: 'true',
  },
];

const TRANSPORTS = [
  {
    rule: 'a status that replay gives is one',
    pattern: '$MUST(Number.isInteger($STATUS) && $STATUS > 199 && $STATUS < 600, $MESSAGE, $KIND);',
    rewrite: ';',
  },
  {
    rule: 'replay goes on after the event asked for',
    pattern: '$START ? $TEXT.slice($START) : $CHUNKS',
    rewrite: '$CHUNKS',
  },
  {
    rule: 'what the sink of record throws ends the loop',
    pattern: 'const $SEEN = $AS_OWN(() => $SHOW($PART.value));',
    rewrite: 'let $SEEN; try { $SEEN = $SHOW($PART.value); } catch {}',
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
    rule: 'resume gets the response that opened last',
    pattern: 'if (this.$OPTIONS.resume) this.$OPENED = $SEEN;',
    rewrite: 'if (this.$OPTIONS.resume) this.$OPENED ??= $SEEN;',
  },
  {
    rule: 'the body of the options is not sent by a request that goes on',
    pattern: 'if ($IS_RESUMED) return $BODY;',
    after: "if ($METHOD === 'GET') return undefined;",
    rewrite: ';',
  },
  {
    rule: 'an incomplete event is handed out before the end',
    pattern: 'yield $OPERATION;',
    after: 'if ($OBSERVING) yield $OBSERVING;',
    rewrite: ';',
  },
  {
    rule: "a client that reconnects takes no incomplete: 'dispatch'",
    pattern:
      "$MUST($OPTIONS.incomplete !== 'dispatch' || !($RECONNECTS || $OPTIONS.resume), $MESSAGE);",
    rewrite: ';',
  },
  {
    rule: 'close() ends the wait for a schema',
    pattern: '$LOOP?.wait?.interrupt();',
    rewrite: ';',
  },
  {
    rule: '`throw undefined` is an error, not a clean end',
    pattern: 'this.$RECONNECTION.lost($ERROR ?? null, $FACTS)',
    rewrite: 'this.$RECONNECTION.lost($ERROR, $FACTS)',
  },
  {
    rule: 'the next parser knows the id',
    pattern: 'new $PARSER({lastEventId, retry, $$$MORE})',
    rewrite: 'new $PARSER({retry, $$$MORE})',
  },
  {
    rule: 'json has its content type',
    pattern: `$IS_JSON && {'content-type': 'application/json'}`,
    rewrite: '{}',
  },
  {
    rule: 'cache is only for a fetch that knows it',
    pattern: `'cache' in $REQUEST && $OPTION`,
    rewrite: '$OPTION',
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
      'if ($CONNECTION.isClosed) return undefined; else if ($FAILURE) { $$$LOST } else $NEXT',
    rewrite: 'if ($FAILURE) { $$$LOST } else $NEXT',
  },
  {
    rule: 'close() ends a pending wait',
    pattern: 'this.$WAIT?.interrupt();',
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
    pattern: 'if (this.$HAS_LOST($CONNECTION, $PARSER)) return undefined;',
    after: 'const $IS_LAST = this.$RECONNECTION.isLast($EVENT);',
    rewrite: ';',
  },
  {
    rule: 'nothing is delivered after close() in onComment',
    pattern: 'if (this.$HAS_LOST($CONNECTION, $PARSER)) return undefined;',
    after: '$CONNECTION.$HELD = undefined;',
    rewrite: ';',
  },
  {
    rule: 'a second loop takes nothing of what is at hand for the first',
    pattern: 'this.$LOOP === $OWN ? this.$TAKE() : undefined',
    rewrite: 'this.$TAKE()',
  },
  {
    rule: 'nor what callbacks of the first are waited for',
    pattern: '$IS_OWN ? this.$CONNECTION?.observing() : undefined',
    rewrite: 'this.$CONNECTION?.observing()',
  },
  {
    rule: 'an abort in a callback is seen although the connection was given up before',
    pattern: '$CONNECTION.parser !== $PARSER || this.$OPTIONS.signal?.aborted === true',
    rewrite: '$CONNECTION.parser !== $PARSER',
  },
  {
    rule: 'what `random` has ended is not carried on',
    pattern: 'return $CONNECTION.isClosed ? undefined : $STEP.value;',
    rewrite: 'return $STEP.value;',
  },
  {
    rule: 'little is kept of the body of an error',
    pattern: '($TEXT + $MORE).slice(0, $MOST)',
    rewrite: '($TEXT + $MORE)',
  },
  {
    rule: 'onRetry is told',
    pattern: 'if ($ON_RETRY) yield $OPERATION; else if ($WARNING) $WARN;',
    rewrite: 'if ($WARNING) $WARN;',
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
  {
    rule: 'a chunk counts once its sink has settled',
    pattern: 'if ($PART.seen) yield $WAIT;',
    rewrite: ';',
  },
  {
    rule: 'an event starts eventTimeout anew',
    pattern: '$CONNECTION.$WAITED = 0;',
    rewrite: ';',
  },
  {
    rule: 'pings without end do not keep a stream that brings no event',
    pattern: 'if ($IS_DUE && $LEFT <= 0) return $LOST;',
    rewrite: ';',
  },
  {
    rule: 'an event waits for the observers before it',
    pattern: 'if ($CONNECTION.$OBSERVERS.length) { $$$HOLD }',
    rewrite: ';',
  },
  {
    rule: 'at the end of a stream its observers are waited for, too',
    pattern: 'if ($OBSERVING) yield $OBSERVING;',
    rewrite: ';',
  },
];

/** The rows of web-event-source.ts, which has no sections. */
export const WEB = [
  {
    rule: 'an EventSource needs an argument',
    pattern: 'if (!arguments.length) throw $ERROR;',
    rewrite: ';',
  },
  {
    rule: 'its options are an object',
    pattern: 'if (!$IS_OBJECT($OPTIONS ?? {})) throw $ERROR;',
    rewrite: ';',
  },
  {
    rule: 'withCredentials includes them',
    pattern: `$CREDENTIALS && {init: {credentials: 'include', ...$INIT}}`,
    rewrite: 'false',
  },
  {
    rule: 'and leaves the rest of init',
    pattern: `$CREDENTIALS && {init: {credentials: 'include', ...$INIT}}`,
    rewrite: `$CREDENTIALS && {init: {credentials: 'include'}}`,
  },
  {
    rule: 'an answer that is no stream is the end',
    pattern: {context: 'const {retryStatus = []} = a', selector: 'object_assignment_pattern'},
    rewrite: 'retryStatus',
  },
  {
    rule: 'a transport says what it verifies',
    pattern: '$VERIFIES === undefined ? $NOTING : $BOTH',
    rewrite: '$NOTING',
  },
  {
    rule: 'what is no transport is refused',
    pattern: `typeof $TRANSPORT === 'function' && $NOTED`,
    rewrite: '$TRANSPORT && $NOTED',
  },
  {
    rule: 'an event is of the origin that was asked last',
    pattern: 'this.$ORIGIN = new URL($URL).origin;',
    rewrite: ';',
  },
  {
    rule: 'or of the one that the response names',
    pattern: 'if ($URL) this.$ORIGIN = new URL($URL, $BASE).origin;',
    rewrite: ';',
  },
  {
    rule: 'once closed nothing is fired',
    pattern: 'if (this.readyState === CLOSED) return;',
    rewrite: ';',
  },
  {
    rule: 'a state begins with its event',
    pattern: 'this.$STATE = $NEW;',
    after: 'if (this.readyState === CLOSED) return;',
    rewrite: ';',
  },
  {rule: 'close() is at once', pattern: 'this.$STATE = CLOSED;', rewrite: ';'},
  {rule: 'close() ends the client', pattern: 'void this.$CLIENT?.close();', rewrite: ';'},
  {
    rule: 'who is aborted is CLOSED',
    pattern: 'this.$SIGNAL?.aborted ? CLOSED : this.$STATE',
    rewrite: 'this.$STATE',
  },
  {rule: 'listeners come first', pattern: 'await null;', rewrite: ';'},
  {
    rule: 'a scheme that nobody follows is told',
    pattern: 'if (!this.$CLIENT) throw $ERROR;',
    rewrite: 'if (!this.$CLIENT) return;',
  },
  {rule: 'a loss is told', pattern: 'await this.$TELL(CONNECTING, $EVENT);', rewrite: ';'},
  {rule: 'the end is told', pattern: 'await this.$TELL(CLOSED, $EVENT);', rewrite: ';'},
  {
    rule: 'an opening is told',
    pattern: `return this.$TELL(OPEN, new Event('open'));`,
    rewrite: ';',
  },
  {
    rule: 'each event is a task of its own',
    pattern: 'await $TURN();',
    after: 'EventTarget.prototype.dispatchEvent.call(this, $EVENT);',
    rewrite: ';',
  },
  {rule: 'onOpen is called', pattern: 'return $GIVEN.onOpen?.($RESPONSE);', rewrite: ';'},
  {rule: 'onRetry is called', pattern: 'return $GIVEN.onRetry?.($RETRY);', rewrite: ';'},
  {
    rule: 'a handler keeps the place of the last one',
    pattern: 'if ($HELD) $HELD.value = $VALUE; else { $$$MAKE }',
    rewrite: 'this.removeEventListener($TYPE, $HELD?.listener ?? null); {$$$MAKE}',
    names: 'EventTarget.prototype.removeEventListener.call(this, $TYPE, $L)',
  },
  {
    rule: 'null takes a handler away',
    pattern: 'this.$HANDLERS.delete($TYPE);',
    rewrite: ';',
  },
  {
    rule: 'and its place',
    pattern: 'if ($HELD) EventTarget.prototype.removeEventListener.call($$$ARGS);',
    rewrite: ';',
  },
  {
    rule: 'an object that is no function is a handler',
    pattern: '!$VALUE || !$IS_OBJECT($VALUE)',
    rewrite: `typeof $VALUE !== 'function'`,
  },
  {
    rule: 'that is not called',
    pattern: `typeof $MADE.value === 'function'`,
    rewrite: 'true',
  },
  {
    rule: 'a handler is called with the source as this',
    pattern: '$MADE.value.call(this, $EVENT)',
    rewrite: '$MADE.value.call(undefined, $EVENT)',
  },
  {
    rule: 'attributes are seen in a listing',
    pattern: 'Object.defineProperty($PROTOTYPE, $NAME, {enumerable: true})',
    rewrite: 'undefined',
  },
  {
    rule: 'an EventSource has a tag',
    pattern: 'Object.defineProperty($PROTOTYPE, Symbol.toStringTag, $NAME);',
    rewrite: ';',
  },
  {
    rule: 'a document has a base of its own',
    pattern: '$PLATFORM.document?.baseURI ?? $LOCATION',
    rewrite: '$LOCATION',
  },
  {
    rule: 'what is no URL is a SyntaxError',
    pattern: `throw new DOMException($MESSAGE, 'SyntaxError');`,
    rewrite: 'throw new DOMException($MESSAGE);',
  },
  {
    rule: 'an error says why',
    pattern: `Object.assign(new Event('error'), $WHY)`,
    rewrite: `new Event('error')`,
  },
  {
    rule: 'a message has the last id',
    pattern: {context: '({data, origin: $ORIGIN, lastEventId: $ID})', selector: 'object'},
    rewrite: `{data, origin: $ORIGIN, lastEventId: ''}`,
  },
  {
    rule: 'and its own type',
    pattern: 'new MessageEvent($TYPE, $INIT)',
    rewrite: `new MessageEvent('message', $INIT)`,
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
