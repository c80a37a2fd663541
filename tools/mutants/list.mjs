// Small edits to sse.ts, each of which drops or bends one rule; the tests must notice every one.
// `find` must stand in sse.ts exactly once.

export default [
  // 1. Errors
  {
    name: 'no reason from the cause',
    find: 'depth--; at = at.cause)',
    replace: 'depth--; at = undefined)',
  },
  {
    name: 'retries counted one too many',
    find: '(this.url, attempt - 1, reason)',
    replace: '(this.url, attempt, reason)',
  },

  // 2. Events
  {
    name: 'json() without its cause',
    find: 'is not JSON: ${shown(this.data)}`, cause)',
    replace: 'is not JSON: ${shown(this.data)}`)',
  },
  {
    name: 'what is no text ends the loop',
    find: 'catch { // `throw Object.create(null)`: what is no text is no reason to end a loop\n    return text || typeof error;',
    replace: 'catch (why) {\n    throw why;',
  },
  {
    name: 'messages as long as a server likes',
    find: 'JSON.stringify(text.slice(0, SHOWN))',
    replace: 'JSON.stringify(text)',
  },
  {
    name: 'a chain of redirects as long as a server likes',
    find: 'to.href.slice(0, MAX_SHOWN_URL)',
    replace: 'to.href',
  },
  {
    name: 'a storm over a body without iterator',
    find: "    must(chunks, 'body must have an iterator'); // else it would storm\n",
    replace: '',
  },
  {
    name: 'what is no URL is tried for ever',
    find: 'let isURL = transport !== platformFetch;',
    replace: 'let isURL = /^https?:/.test(target);',
  },
  {
    name: 'userinfo after http: without slashes',
    find: "new URL(url, 'x:/')",
    replace: "new URL(url, 'http://localhost')",
  },
  {
    name: 'formatEvent lets CR into an id',
    find: "write('id', id, /[\\r\\n\\0]/)",
    replace: "write('id', id, /[\\n\\0]/)",
  },
  {
    name: 'formatEvent lets LF into a type',
    find: '|| undefined, /[\\r\\n]/)',
    replace: '|| undefined, /[\\r]/)',
  },
  {
    name: 'formatEvent cuts data at LF only',
    find: 'value.split(/\\r\\n|\\r|\\n/)',
    replace: 'value.split(/\\n/)',
  },

  // 3. Decoding
  {
    name: 'BOM stays',
    find: 'text.charCodeAt(0) === 0xfeff ? text.slice(1) : text',
    replace: 'text',
  },
  {name: 'every BOM goes', find: '    this.#atStart = false;\n', replace: ''},
  {
    name: 'TextDecoder drops a BOM, too',
    find: '{ ignoreBOM: true }',
    replace: '{ ignoreBOM: false }',
  },
  {
    name: 'UTF-8 not put together',
    find: '.decode(bytes, { stream: true })',
    replace: '.decode(bytes)',
  },
  {
    name: 'UTF-8 cut after ASCII',
    find: 'if (this.#wide || endsOpen) {',
    replace: 'if (this.#wide) {',
  },
  {
    name: 'UTF-8 forgotten between chunks',
    find: 'endsOpen || text.length < length ? WIDE : this.#wide - 1;',
    replace: '0;',
  },
  {
    name: 'UTF-8 left open before a text',
    find: 'if (this.#wide) text = this.#streaming?.decode() ??',
    replace: 'if (false) text = this.#streaming?.decode() ??',
  },
  {
    name: 'parts of a long text lost',
    find: '    this.#head += this.#tail;\n',
    replace: '    this.#head = this.#tail;\n',
  },

  // 4. Parsing
  {name: 'CR ends no line', find: '      if (cr < lf) {', replace: '      if (false) {'},
  {
    name: 'only the first CR ends a line',
    find: "this.#cr = cr = indexIn(text, '\\r', start);",
    replace: 'this.#cr = cr = length;',
  },
  {
    name: 'CR far from LF: that LF is lost',
    find: 'else this.#lf = lf;',
    replace: 'else this.#lf = length;',
  },
  {
    name: 'LF after CR is a line of its own',
    find: '        if (after === lf) after++;\n        else',
    replace: '        if (after !== lf)',
  },
  {
    name: 'CRLF cut between chunks is two ends',
    find: '        this.#skipLF = after === length;\n',
    replace: '',
  },
  {
    name: 'LF skipped for ever',
    find: '    this.#skipLF = false;\n    return true;',
    replace: '    return true;',
  },
  {
    name: 'two spaces go',
    find: 'text.charCodeAt(start + 5) === SPACE ? start + 6',
    replace:
      'text.charCodeAt(start + 5) === SPACE ? start + 6 + +(text.charCodeAt(start + 6) === SPACE)',
  },
  {
    name: 'two spaces go from other fields',
    find: 'text.charCodeAt(colon + 1) === SPACE ? colon + 2',
    replace:
      'text.charCodeAt(colon + 1) === SPACE ? colon + 2 + +(text.charCodeAt(colon + 2) === SPACE)',
  },
  {
    name: 'data needs its colon',
    find: ' !== COLON && end !== start + 4) {',
    replace: ' !== COLON) {',
  },
  {
    name: 'event needs its colon',
    find: ' === COLON || end === start + 5);',
    replace: ' === COLON);',
  },
  {
    name: 'id needs its colon',
    find: '(text.charCodeAt(start + 2) === COLON || end === start + 2)',
    replace: 'true',
  },
  {
    name: 'data by its beginning',
    find: '          || text.charCodeAt(start + 4) !== COLON && end !== start + 4) {',
    replace: '          ) {',
  },
  {
    name: 'event by its beginning',
    find: '    && (text.charCodeAt(start + 5) === COLON || end === start + 5);',
    replace: '    ;',
  },
  {name: 'data lines run together', find: "data += '\\n' + value;", replace: 'data += value;'},
  {
    name: 'long data in the wrong place',
    find: 'data = this.#longData.take() + data;',
    replace: 'data += this.#longData.take();',
  },
  {name: 'long data lost', find: '            this.#longData.add(data);\n', replace: ''},
  {
    name: 'data only from data with a value',
    find: 'if (data === undefined) data = value;',
    replace: 'if (!data) data = value || undefined;',
  },
  {
    name: 'a block without data is an event',
    find: '      if (data === undefined) continue;\n',
    replace: "      data ??= '';\n",
  },
  {name: 'the type outlives its block', find: "      this.#eventTypeBuffer = '';\n", replace: ''},
  {name: 'an empty type stays empty', find: 'type || DEFAULT_TYPE', replace: 'type'},
  {name: 'id with NUL counts', find: "if (!value.includes('\\0')) this", replace: 'this'},
  {
    name: 'id counts at once',
    find: 'this.#lastEventIdBuffer = detached(value);',
    replace: 'this.#lastEventIdBuffer = this.#lastEventId = detached(value);',
  },
  {
    name: 'detached copies lose a character',
    find: "(' ' + text).slice(1)",
    replace: "(' ' + text).slice(2)",
  },
  {name: 'empty retry is 0', find: '/^[0-9]+$/', replace: '/^[0-9]*$/'},
  {name: 'retry not clamped', find: 'Math.min(+value, Number.MAX_SAFE_INTEGER)', replace: '+value'},
  {name: 'comments are not shown', find: '    this.#onComment?.(text);\n', replace: ''},
  {
    name: 'a comment ends the data before it',
    find: '    this.#dataBuffer = data;\n    this.#room = room;\n    this.#onComment',
    replace: '    this.#onComment',
  },
  {name: 'limit off by one', find: 'if (end - start > room)', replace: 'if (end - start >= room)'},
  {name: 'limit without the data before', find: '        room -= value.length;\n', replace: ''},
  {
    name: 'limit only on whole lines',
    find: '    if (length > this.#room) this.#exceed(length, this.#room);\n',
    replace: '',
  },
  {
    name: 'small chunks are gathered above the limit',
    find: ' || size + this.#unfinishedLine.length >= this.#room;',
    replace: ';',
  },
  {name: 'small chunks are late', find: 'return hasEnd ||', replace: 'return'},
  {
    name: 'small chunks overtake',
    find: 'if (this.#bytes.length || this.#gatheredSize && !isSmall) this.#flush();',
    replace: 'if (this.#bytes.length) this.#flush();',
  },
  {
    name: 'the rest of large chunks is lost',
    find: 'isLong ? bytes.subarray(WINDOW) : NO_BYTES;',
    replace: 'NO_BYTES;',
  },
  {
    name: 'parsing goes on after the limit',
    find: 'throw this.#failure = new SSEError',
    replace: 'throw new SSEError',
  },
  {
    name: 'feed() loses events before an error',
    find: '      if (!events.length) throw error;\n',
    replace: '      throw error;\n',
  },
  {name: 'feed() swallows the error', find: '      this.#owed = { error };\n', replace: ''},
  {name: 'what feed() owes is thrown for ever', find: '    this.#owed = undefined;\n', replace: ''},
  {
    name: 'rest of the bytes lost after a callback threw',
    find: 'this.#decoder.decode(bytes) + this.#decoder.decode(this.#bytes);',
    replace: 'this.#decoder.decode(bytes);',
  },
  {
    name: 'events twice where a callback feeds',
    find: '      if (this.#position !== start) return this.scan(onEvent); // it has fed this parser\n',
    replace: '',
  },
  {
    name: 'feedLine takes many',
    find: "typeof line === 'string' && isOneLine(line)",
    replace: 'true',
  },
  {
    name: 'a line with its end is two',
    find: '    if (line.charCodeAt(end - 1) === LF) end--;\n',
    replace: '',
  },

  // 5. EventSource
  {name: 'a URL is a text', find: '!/^https?:\\/\\/\\S*$/i.test(source)', replace: 'true'},
  {
    name: 'a text is cut into characters',
    find: 'this.#areLines = !areChunks && !isText;',
    replace: 'this.#areLines = !areChunks;',
  },
  {name: 'JSON past its end', find: '        isDone = event.data === done;\n', replace: ''},
  {
    name: 'an empty event is bad JSON',
    find: 'if (!isDone && event.data) return',
    replace: 'if (!isDone) return',
  },
  {name: 'the reader is not cancelled', find: 'return: () => reader.cancel() };', replace: '};'},
  {
    name: 'the source is not closed',
    find: '      close: () => void chunks?.return?.(),',
    replace: '      close: () => {},',
  },
  {
    name: 'the source is closed twice',
    find: '    if (!isOver) close();\n',
    replace: '    close();\n',
  },
  {
    name: 'return() waits for the next event',
    find: '    return: end,\n    [Symbol.asyncIterator]() {',
    replace: '    return: async () => (await last, end()),\n    [Symbol.asyncIterator]() {',
  },
  {
    name: 'next() overtakes next()',
    find: 'calls++ && last ? last.then(advance, advance) : advance();',
    replace: 'advance();',
  },
  {
    name: 'any content type',
    find: "if (type.split(';', 1).join().trim().toLowerCase() === 'text/event-stream') return undefined;",
    replace: 'return undefined;',
  },
  {name: 'content type in its case', find: '.trim().toLowerCase() ===', replace: '.trim() ==='},
  {
    name: 'responses of any status',
    find: 'if (status < 200 || status > 299) {',
    replace: 'if (status > 999) {',
  },

  // 6. Reconnection
  {name: 'no backoff', find: '* 2 ** (this.#failures - 1)', replace: ''},
  {
    name: 'backoff cuts what the server asked for',
    find: 'Math.max(base, Math.min(backoff, maxRetryInterval), retryAfter)',
    replace: 'Math.min(backoff, maxRetryInterval)',
  },
  {name: 'no cap', find: 'Math.min(backoff, maxRetryInterval)', replace: 'backoff'},
  {
    name: 'Retry-After ignored',
    find: ', retryAfter);\n    const spread',
    replace: ');\n    const spread',
  },
  {
    name: 'Retry-After as date ignored',
    find: 'Math.max(0, Date.parse(after) - now)',
    replace: 'NaN',
  },
  {name: 'no jitter', find: '(1 + JITTER * random())', replace: '1'},
  {
    name: 'timers overflow',
    find: 'Math.min(Math.max(wait, spread, this.#hurried ? MIN_INTERVAL : 0), MAX_DELAY)',
    replace: 'Math.max(wait, spread, this.#hurried ? MIN_INTERVAL : 0)',
  },
  {name: 'a storm', find: 'this.#hurried ? MIN_INTERVAL : 0', replace: '0'},
  {
    name: 'an event does not reset the failures',
    find: '    this.#failures = 0;\n    this.caughtUp',
    replace: '    this.caughtUp',
  },
  {
    name: 'one retry too many',
    find: 'attempt > this.#maxRetries',
    replace: 'attempt > this.#maxRetries + 1',
  },
  {name: '-1 is no limit', find: 'maxRetries < 0 ? Infinity : maxRetries', replace: 'maxRetries'},
  {
    name: 'a POST is sent again',
    find: 'this.reconnects = options.reconnect ?? this.#isSafe;',
    replace: 'this.reconnects = options.reconnect ?? true;',
  },
  {
    name: 'a second loop sends a POST again',
    find: '    must(!this.#attempts++ || this.reconnects, ONE_CONNECTION);\n',
    replace: '',
  },
  {
    name: 'retryStatus before the stream was open',
    find: 'const passes = this.#opened && this.reconnects',
    replace: 'const passes = this.reconnects',
  },
  {name: 'no retryStatus', find: '&& retryStatus.includes(status);', replace: '&& false;'},
  {
    name: 'final errors are tried again',
    find: '    if (error instanceof SSEError && !PASSING.includes(error.code)) return fail(error);\n',
    replace: '',
  },
  {
    name: 'truncated looks like success',
    find: 'if (error === undefined && !until && !this.reconnects) return STOP;',
    replace: 'if (error === undefined && !this.reconnects) return STOP;',
  },
  {name: '204 is an error', find: 'if (status === 204) return STOP;', replace: ''},
  {name: '201 opens a GET', find: 'this.#isGET ? status !== 200 : status', replace: 'status'},
  {name: '205 opens a POST', find: ' || status === 205) {', replace: ') {'},
  {
    name: 'secrets go to another origin',
    find: 'if (to.origin !== from.origin) this.#crossedOrigins = true;',
    replace: '',
  },
  {
    name: 'redirects stick',
    find: '    this.#target = this.url;\n    this.#redirects = [];',
    replace: '    this.#redirects = [];',
  },
  {name: 'https to http', find: ' || from.protocol > to.protocol', replace: ''},
  {name: 'POST becomes GET', find: 'status < 307 && !this.#isSafe', replace: 'false'},
  {
    name: 'no Last-Event-ID',
    find: "        headers.set('last-event-id'",
    replace: "        headers.delete('last-event-id'), void ('last-event-id'",
  },
  {
    name: 'Last-Event-ID as it is',
    find: '.test(id) ? id : encode(id)',
    replace: '.test(id) ? id : id',
  },
  {
    name: 'Last-Event-ID with control characters',
    find: 'if (id && !CONTROLS.test(id)) {',
    replace: 'if (id) {',
  },
  {
    name: "the user's headers lose",
    find: 'for (const [name, value] of own) headers.set(name, value);',
    replace:
      'for (const [name, value] of own) if (![...headers].some(([n]) => n === name.toLowerCase())) headers.set(name, value);',
  },
  {
    name: 'an id without event is lost',
    find: 'if (!event) this.#reconnection.caughtUp(parser);',
    replace: 'if (!event) ;',
  },

  // 7. Transports
  {
    name: 'replay from the start',
    find: 'body: start ? log.text.slice(start) : log.chunks,',
    replace: 'body: log.chunks,',
  },
  {
    name: 'record loses what the sink throws',
    find: '        throw new UserError(error);\n      }\n      return { value };',
    replace: '      }\n      return { value };',
  },
  {
    name: 'record does not close',
    find: 'const returned = quietly(() => chunks.return?.());\n              if',
    replace: 'const returned = Promise.resolve();\n              if',
  },

  // 8. Clients
  {name: 'two loops at once', find: "    must(!this.#loop, 'This", replace: "    must(true, 'This"},
  {
    name: 'a loop that ends late ends the next',
    find: '    if (this.#loop !== loop) return Promise.resolve();\n',
    replace: '',
  },
  {
    name: 'return() of an unused iterator ends the running loop',
    find: '      close: () => this.leave(loop),',
    replace: '      close: () => this.leave(this.#loop),',
  },
  {
    name: 'the signal keeps its listener',
    find: "this.#unlisten = () => signal?.removeEventListener('abort', abort);",
    replace: 'this.#unlisten = () => {};',
  },
  {
    name: 'abort ends the loop quietly',
    find: 'if (isLive && signal?.aborted) throw signal.reason;',
    replace: 'if (isLive && signal?.aborted) return false;',
  },
  {
    name: 'a late response stays open',
    find: 'if (!this.#ends(wait)) return discard(result);',
    replace: 'if (!this.#ends(wait)) return;',
  },
  {name: 'no timeout', find: '      if (ms > 0 && ms < Infinity) {', replace: '      if (false) {'},
  {
    name: 'a line after a CR is swallowed',
    find: "this.#rest += line.slice(0, end) + '\\r\\n';",
    replace: "this.#rest += line.slice(0, end) + '\\n';",
  },
  {
    name: 'every second connection in a hurry',
    find: '(this.#hurried ? 2 : 1) * MIN_INTERVAL',
    replace: 'MIN_INTERVAL',
  },
  {
    name: 'a response taken by a closed client',
    find: '    if (!this.#controller) { // dropped',
    replace: '    if (false) { // dropped',
  },
  {
    name: 'a loss after close() counts',
    find: '    if (this.#controller) this.#carryOut(',
    replace: '    this.#carryOut(',
  },
  {
    name: 'an attempt goes on after reconnect()',
    find: "      const body = await this.#wait(() => this.bodyFor(attempt), itself); // a redirect's, too\n      if (!this.isSending) return;",
    replace:
      "      const body = await this.#wait(() => this.bodyFor(attempt), itself); // a redirect's, too",
  },
  {name: 'a timer stays', find: '    clearTimeout(wait.timer);\n', replace: ''},
  {
    name: 'a pending read keeps its silence',
    find: 'if (pending && this.#ends(pending)) pending.interrupt(undefined);',
    replace: '',
  },
  {
    name: 'nothing thrown is a clean end',
    find: 'this.#reconnection.lost(error ?? null)',
    replace: 'this.#reconnection.lost(error)',
  },
  {
    name: 'a result is taken after a close()',
    find: '          resolve(take(result));',
    replace: '          void Promise.resolve().then(() => resolve(take(result)), reject);',
  },
  {
    name: 'a pause leaves its timer',
    find: '    } finally {\n      clearTimeout(timer);\n    }',
    replace: '    } finally {\n    }',
  },
  {name: 'the connection is not aborted', find: '    controller?.abort();\n', replace: ''},
  {
    name: 'the body is not closed',
    find: '    const released = quietly(() => chunks?.return?.());\n',
    replace: '    const released = Promise.resolve();\n',
  },
  {
    name: 'until is not the end',
    find: 'else if (this.#reconnection.delivered(event)) void this.close();',
    replace: 'else this.#reconnection.delivered(event);',
  },
  {
    name: 'an error body as long as it likes',
    find: '(this.text + decoder.decode(part.value)).slice(0, MAX_ERROR_BODY)',
    replace: '(this.text + decoder.decode(part.value))',
  },
  {
    name: 'onRetry is not told',
    find: '      this.#options.onRetry?.(decision.retry);\n',
    replace: '',
  },
  {
    name: 'the parser forgets the id',
    find: 'new PullParser({ ...this.#options, lastEventId, retry })',
    replace: 'new PullParser({ ...this.#options, retry })',
  },
  {
    name: 'json without its content type',
    find: "      ...this.#json !== undefined && { 'content-type': 'application/json' },\n",
    replace: '',
  },
  {
    name: 'a promise for a response',
    find: '  if (!isPromise(value)) return value;\n',
    replace: '  return value as T;\n',
  },
  {name: 'open() is forgotten by the loop', find: '    if (parked) return parked;\n', replace: ''},
  {
    name: 'reconnect() waits',
    find: "    this.#state = 'connecting';\n    this.delay = 0;\n    void this.#drop();",
    replace: "    this.#state = 'connecting';\n    void this.#drop();",
  },
  {
    name: 'a userinfo passes',
    find: "    must(!hasUserinfo(url), 'url must hold no userinfo: use a header');\n",
    replace: '',
  },
  {
    name: 'cache for a fetch that throws at it',
    find: "...'cache' in (platform.Request?.prototype ?? {}) && {",
    replace: '...{',
  },
  {
    name: 'httpTransport() in workerd',
    find: 'isWorkerd() ? undefined : platform.process',
    replace: 'platform.process',
  },
  {
    name: 'a symbol among the headers',
    find: 'new Headers(Object.entries(headers))',
    replace: 'new Headers(headers)',
  },
];
