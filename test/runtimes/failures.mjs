// The errors with which a runtime's fetch reports each kind of failure, and node:http and
// node:https where it has them: record-failures.mjs writes them down, in failures.json.
//
// No row expects anything. What does not fail is written down as well: 'ok'.

const MOST_MS = 15_000; // for one situation; the longest is a connection that nobody accepts: 10 s
const DEEPEST = 5;

// Where a GET fails, for fetch and for node:http. `url` and the others are those of the world.
const PLACES = {
  'no-failure': ({url}) => `${url}/fine`,
  'connection-refused': ({closed}) => closed,
  'unknown-host': () => 'http://nowhere.invalid/',
  'impossible-host': () => 'http://a..b/',
  'network-unreachable': () => 'http://255.255.255.255/',
  'reset-before-headers': ({url}) => `${url}/reset-before-headers`,
  'ended-before-headers': ({url}) => `${url}/ended-before-headers`,
  'ended-in-headers': ({url}) => `${url}/ended-in-headers`,
  'no-http': ({url}) => `${url}/no-http`,
  'header-line-invalid': ({url}) => `${url}/header-line-invalid`,
  'headers-too-large': ({url}) => `${url}/headers-too-large`,
  'content-length-invalid': ({url}) => `${url}/content-length-invalid`,
  'reset-in-body': ({url}) => `${url}/reset-in-body`,
  'reset-in-closing-body': ({url}) => `${url}/reset-in-closing-body`,
  'reset-in-chunked-body': ({url}) => `${url}/reset-in-chunked-body`,
  'reset-in-closing-chunked-body': ({url}) => `${url}/reset-in-closing-chunked-body`,
  'reset-in-endless-body': ({url}) => `${url}/reset-in-endless-body`,
  'ended-in-chunked-body': ({url}) => `${url}/ended-in-chunked-body`,
  'ended-in-closing-chunked-body': ({url}) => `${url}/ended-in-closing-chunked-body`,
  'content-length-not-reached': ({url}) => `${url}/content-length-not-reached`,
  'content-length-not-reached-closing': ({url}) => `${url}/content-length-not-reached-closing`,
  'chunk-size-invalid': ({url}) => `${url}/chunk-size-invalid`,
  'https-to-plain-port': ({url}) => `${url.replace('http:', 'https:')}/fine`,
  'http-to-tls-port': ({tls}) => `${tls['no-failure'].replace('https:', 'http:')}/fine`,
  'tls-self-signed': ({tls}) => `${tls['self-signed']}/fine`,
  'tls-self-signed-wrong-name': ({tls}) => `${tls['self-signed-wrong-name']}/fine`,
  'tls-self-signed-expired': ({tls}) => `${tls['self-signed-expired']}/fine`,
  'tls-unknown-issuer': ({tls}) => `${tls['unknown-issuer']}/fine`,
  'tls-unknown-issuer-in-chain': ({tls}) => `${tls['unknown-issuer-in-chain']}/fine`,
  'tls-unknown-root': ({tls}) => `${tls['unknown-root']}/fine`,
  'tls-version-too-old': ({tls}) => `${tls['version-too-old']}/fine`,
  'tls-ended-in-handshake': ({tls}) => `${tls['ended-in-handshake']}/fine`,
  'tls-reset-in-handshake': ({tls}) => `${tls['reset-in-handshake']}/fine`,
};
// The same where the runtime was told to trust the issuer of these certificates.
const TRUSTED_PLACES = {
  'tls-no-failure': ({tls}) => `${tls['no-failure']}/fine`,
  'tls-wrong-name': ({tls}) => `${tls['wrong-name']}/fine`,
  'tls-expired': ({tls}) => `${tls.expired}/fine`,
  'tls-not-yet-valid': ({tls}) => `${tls['not-yet-valid']}/fine`,
  'tls-client-certificate-missing': ({tls}) => `${tls['client-certificate-missing']}/fine`,
  'tls-ended-before-headers': ({tls}) => `${tls['no-failure']}/ended-before-headers`,
  'tls-ended-in-endless-body': ({tls}) => `${tls['no-failure']}/ended-in-endless-body`,
  'tls-ended-in-chunked-body': ({tls}) => `${tls['no-failure']}/ended-in-chunked-body`,
  'tls-reset-in-chunked-body': ({tls}) => `${tls['no-failure']}/reset-in-chunked-body`,
};
// By setup, what only happens under it.
const PLACES_OF_SETUP = {
  permission: {
    'permission-refused': ({url}) => `${url}/fine`,
    'permission-refused-name': ({url}) => `${url.replace('127.0.0.1', 'localhost')}/fine`,
    'permission-refused-tls': ({tls}) => `${tls['no-failure']}/fine`,
  },
  resolver: {
    'names-unreachable': () => 'http://nowhere.invalid/',
    'two-addresses-refused': ({closed}) => closed.replace('127.0.0.1', 'twice.invalid'),
  },
  csp: {'csp-refused': ({url}) => `${url}/fine`},
};
const PROXIED = {http: 'http://proxied.invalid/', https: 'https://proxied.invalid/'};

// What only fetch does: a URL and its options.
const FETCHES = {
  'gzip-corrupt': ({url}) => [`${url}/gzip-corrupt`],
  'gzip-cut': ({url}) => [`${url}/gzip-cut`],
  'port-blocked': () => ['http://127.0.0.1:10080/'],
  'port-blocked-9': () => ['http://127.0.0.1:9/'],
  'redirect-loop': ({url}) => [`${url}/redirect-loop`],
  'redirect-error': ({url}) => [`${url}/redirect`, {redirect: 'error'}],
  'redirect-to-nowhere': ({url}) => [`${url}/redirect-to-nowhere`],
  'redirect-to-ftp': ({url}) => [`${url}/redirect-to-ftp`],
  'redirect-to-invalid': ({url}) => [`${url}/redirect-to-invalid`],
  'redirect-of-stream': ({url}, platform) => [
    `${url}/redirect-kept`,
    {method: 'POST', body: streamOf(platform, 'body'), duplex: 'half'},
  ],
  'url-ftp': () => ['ftp://127.0.0.1/'],
  'url-gopher': () => ['gopher://127.0.0.1/'],
  'url-unknown-scheme': () => ['unknown://127.0.0.1/'],
  'url-blob-unknown': () => ['blob:http://127.0.0.1/aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'],
  'url-invalid': () => ['http://['],
  'url-credentials': ({url}) => [`${url.replace('//', '//user:password@')}/fine`],
  'mode-bogus': ({url}) => [`${url}/fine`, {mode: 'bogus'}],
  'mode-navigate': ({url}) => [`${url}/fine`, {mode: 'navigate'}],
  'credentials-bogus': ({url}) => [`${url}/fine`, {credentials: 'bogus'}],
  'redirect-bogus': ({url}) => [`${url}/fine`, {redirect: 'bogus'}],
  'cache-bogus': ({url}) => [`${url}/fine`, {cache: 'bogus'}],
  'cache-only-if-cached': ({url}) => [`${url}/fine`, {cache: 'only-if-cached'}],
  'integrity-mismatch': ({url}) => [`${url}/fine`, {integrity: `sha256-${'A'.repeat(43)}=`}],
  'signal-bogus': ({url}) => [`${url}/fine`, {signal: {}}],
  'dispatcher-empty': ({url}) => [`${url}/fine`, {dispatcher: {}}],
  'method-connect': ({url}) => [`${url}/fine`, {method: 'CONNECT'}],
  'method-invalid': ({url}) => [`${url}/fine`, {method: 'NO METHOD'}],
  'get-with-body': ({url}) => [`${url}/fine`, {body: 'body'}],
  'stream-without-duplex': ({url}, platform) => [
    `${url}/fine`,
    {method: 'POST', body: streamOf(platform, 'body')},
  ],
  'stream-fails': ({url}, platform) => [
    `${url}/fine`,
    {method: 'POST', body: streamOf(platform), duplex: 'half'},
  ],
  'header-name-invalid': ({url}) => [`${url}/fine`, {headers: {'no name': 'a'}}],
  'header-value-invalid': ({url}) => [`${url}/fine`, {headers: {name: 'two\nlines'}}],
  'header-value-not-latin': ({url}) => [`${url}/fine`, {headers: {name: '→'}}],
  'header-undefined': ({url}) => [`${url}/fine`, {headers: [['name']]}],
};
// fetch sends them, says no, or leaves them out.
const HEADERS = {
  'header-keep-alive': ['keep-alive', 'timeout=5'],
  'header-connection-upgrade': ['connection', 'upgrade'],
  'header-connection-bogus': ['connection', 'bogus, words'],
  'header-transfer-encoding': ['transfer-encoding', 'chunked'],
  'header-upgrade': ['upgrade', 'websocket'],
  'header-host': ['host', 'example.test'],
  'header-content-length': ['content-length', '5'],
  'header-content-length-invalid': ['content-length', 'five'],
  'header-expect': ['expect', '100-continue'],
};
const ONLY_ON_PAGES = {
  'cors-refused': ({other}) => [`${other}/fine`],
  'cors-preflight-refused': ({other}) => [`${other}/fine`, {headers: {'x-name': 'a'}}],
  'cors-redirect-refused': ({url}) => [`${url}/redirect-to-other`],
  'mode-same-origin': ({other}) => [`${other}/fine`, {mode: 'same-origin'}],
};
const ONLY_ON_SERVERS = {'url-relative': () => ['/fine']};

/**
 * [{situation, error}] in this runtime: `error` is a plain form, or 'ok' and what is to be said
 * of that. world: {setup, url, other, closed, unaccepted, tls: {…}, isTrusting,
 * isNodeProxied}, see record-failures.mjs.
 */
export async function failures(world, platform = globalThis) {
  const list = [];
  for (const [situation, run] of Object.entries(situationsOf(world, platform))) {
    list.push({situation, error: await errorOf(run, platform)});
  }
  return list;
}

/** Name: function that rejects, or resolves to what is to be said. */
function situationsOf(world, platform) {
  const {setup} = world;
  const all = {};
  const addPlaces = (places, isForNode = true) => {
    for (const [name, place] of Object.entries(places)) {
      all[name] = () => read(platform, [place(world)]);
    }
    if (!isForNode || !nodeModule(platform, 'node:http')) return;
    for (const [name, place] of Object.entries(places)) {
      all[`node-${name}`] = () => request(platform, place(world));
    }
  };
  if (setup.startsWith('proxy-')) {
    const places = {[setup]: () => PROXIED.http, [`${setup}-https`]: () => PROXIED.https};
    addPlaces(places, world.isNodeProxied);
    return all;
  }
  if (setup === 'unaccepted') {
    return {'connect-timeout': () => read(platform, [world.unaccepted])}; // node:http has no limit
  }
  if (setup !== 'plain') {
    addPlaces(PLACES_OF_SETUP[setup]);
    return all;
  }
  addPlaces(PLACES);
  if (world.isTrusting) addPlaces(TRUSTED_PLACES);
  const isPage = typeof platform.document !== 'undefined';
  const fetches = {...FETCHES, ...(isPage ? ONLY_ON_PAGES : ONLY_ON_SERVERS)};
  for (const [name, ask] of Object.entries(fetches)) {
    all[name] = () => read(platform, ask(world, platform));
  }
  for (const [name, header] of Object.entries(HEADERS)) {
    all[name] = () => sendHeader(platform, world, header);
  }
  Object.assign(all, aborts(world, platform), bodies(world, platform));
  if (nodeModule(platform, 'node:http')) Object.assign(all, requests(world, platform));
  return all;
}

/** The plain form of what it rejects with. */
async function errorOf(run, platform) {
  let timer;
  const limit = new Promise((resolve) => {
    timer = platform.setTimeout(() => resolve('nothing'), MOST_MS);
  });
  try {
    const said = await Promise.race([run(), limit]);
    if (said === 'nothing') return `nothing within ${MOST_MS / 1000} s`;
    return said ? `ok, ${tidy(said)}` : 'ok';
  } catch (error) {
    return plain(error);
  } finally {
    platform.clearTimeout(timer);
  }
}

/** Fetches and reads to the end. */
async function read(platform, [url, init]) {
  const response = await platform.fetch(url, init);
  const reader = response.body?.getReader();
  while (reader && !(await reader.read()).done);
  return response.status === 200 ? '' : `status ${response.status}`;
}

async function sendHeader(platform, {url}, [name, value]) {
  const response = await platform.fetch(`${url}/echo`, {headers: {[name]: value}});
  const sent = (await response.json())[name] ?? [];
  if (sent.some((each) => each === value)) return '';
  return `sent ${sent.join(' and ') || 'without it'}`;
}

/** What a user does: before the request, while it waits for headers, while it reads the body. */
function aborts({url}, platform) {
  const abort = async (path, reason, isAtOnce) => {
    const controller = new platform.AbortController();
    const end = () => controller.abort(...reason);
    if (isAtOnce) end();
    else platform.setTimeout(end, 200);
    return read(platform, [url + path, {signal: controller.signal}]);
  };
  const named = () => [new Error('a reason')];
  return {
    'aborted-before': () => abort('/fine', [], true),
    'aborted-before-headers': () => abort('/silent', []),
    'aborted-in-body': () => abort('/silent-in-body', []),
    'aborted-before-with-reason': () => abort('/fine', named(), true),
    'aborted-before-headers-with-reason': () => abort('/silent', named()),
    'aborted-in-body-with-reason': () => abort('/silent-in-body', named()),
    'aborted-with-text': () => abort('/silent', ['a reason']),
    'timed-out': () =>
      read(platform, [`${url}/silent`, {signal: platform.AbortSignal.timeout(200)}]),
    'timed-out-in-body': () =>
      read(platform, [`${url}/silent-in-body`, {signal: platform.AbortSignal.timeout(400)}]),
  };
}

/** Bodies that were read before. */
function bodies({url}, platform) {
  return {
    'body-used': async () => {
      const request = new platform.Request(`${url}/fine`, {method: 'POST', body: 'body'});
      await request.text();
      return read(platform, [request]);
    },
    'body-locked': async () => {
      const body = streamOf(platform, 'body');
      body.getReader();
      return read(platform, [`${url}/fine`, {method: 'POST', body, duplex: 'half'}]);
    },
    'response-read-twice': async () => {
      const response = await platform.fetch(`${url}/fine`);
      await response.text();
      await response.text();
    },
  };
}

/** What only node:http and node:https are asked. */
function requests({url, tls}, platform) {
  const {Agent} = nodeModule(platform, 'node:http');
  const {Agent: SecureAgent} = nodeModule(platform, 'node:https');
  const ask = (options, to = `${url}/fine`) => request(platform, to, options);
  return {
    'node-https-with-http-agent': () => ask({agent: new Agent()}, `${tls['no-failure']}/fine`),
    'node-http-with-https-agent': () => ask({agent: new SecureAgent()}),
    'node-protocol': () => ask({protocol: 'ftp:'}),
    'node-header-name-invalid': () => ask({headers: {'no name': 'a'}}),
    'node-header-value-invalid': () => ask({headers: {name: 'two\nlines'}}),
    'node-header-value-undefined': () => ask({headers: {name: undefined}}),
    'node-method-invalid': () => ask({method: 'NO METHOD'}),
    'node-path-unescaped': () => ask({path: '/a path'}),
    'node-port-invalid': () => ask({port: 99_999}),
    'node-host-invalid': () => ask({hostname: 5, host: 5}),
    'node-lookup-invalid': () => ask({hostname: 'localhost', lookup: 'none'}),
    'node-headers-too-large-by-option': () => ask({maxHeaderSize: 10}),
    'node-certificate-invalid': () => ask({ca: 'none', cert: 'none'}, `${tls['no-failure']}/fine`),
    'node-aborted-before-headers': () => {
      const controller = new platform.AbortController();
      platform.setTimeout(() => controller.abort(), 200);
      return ask({signal: controller.signal}, `${url}/silent`);
    },
    'node-destroyed-before-headers': () =>
      request(platform, `${url}/silent`, {}, (sent) =>
        platform.setTimeout(() => sent.destroy(), 200),
      ),
  };
}

/** By node:http or node:https, and read to the end. */
function request(platform, url, options = {}, meanwhile = undefined) {
  const {request: open} = nodeModule(
    platform,
    url.startsWith('https:') ? 'node:https' : 'node:http',
  );
  return new Promise((resolve, reject) => {
    const sent = open(url, options, async (response) => {
      try {
        for await (const _ of response);
        resolve(response.statusCode === 200 ? '' : `status ${response.statusCode}`);
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject);
    sent.end();
    meanwhile?.(sent);
  });
}

function nodeModule(platform, name) {
  return platform.process?.getBuiltinModule?.(name);
}

/** A body of these bytes; without them, one that fails. */
function streamOf(platform, text) {
  return new platform.ReadableStream({
    start(controller) {
      if (text === undefined) return controller.error(new Error('the body failed'));
      controller.enqueue(new platform.TextEncoder().encode(text));
      controller.close();
    },
  });
}

/** An error as JSON can hold it: the same each time it is recorded. */
function plain(error, depth = 1) {
  if ((typeof error !== 'object' && typeof error !== 'function') || error === null) {
    return {thrown: tidy(String(error))};
  }
  const {name, message, code, retryable, cause, errors} = error;
  const form = {name, message: tidy(String(message))};
  if (typeof code === 'string' || typeof code === 'number') form.code = code;
  form.isTypeError = error instanceof TypeError;
  if (typeof retryable === 'boolean') form.retryable = retryable; // workerd says it itself
  if (depth < DEEPEST) {
    if (cause !== undefined) form.cause = plain(cause, depth + 1);
    if (Array.isArray(errors)) {
      form.errors = errors.slice(0, 2).map((each) => plain(each, depth + 1));
    }
  }
  return form;
}

/** Without what differs from run to run: ports, files, times, numbers of threads. */
function tidy(message) {
  return message
    .replace(/(?<=127\.0\.0\.[12]:|localhost:|\]:|::1:|\.invalid:)(?!10080\b|9\b)\d+/g, 'PORT')
    .replace(/(?:file:\/\/|(?<![\w/.]))(?:\.\.)?(?:\/[\w.@+-]+)+\.[a-z]{1,3}\b(?::\d+)*/g, 'FILE')
    .replace(/\b[0-9A-F]{8,16}(?=:error:)/g, 'THREAD')
    .replace(/(?<=reference = )\w+/g, 'ID')
    .replace(/\b\d{9,}\b/g, 'TIME')
    .replace(/\b\d+ (?=(?:milli)?seconds? )/g, 'N ');
}
