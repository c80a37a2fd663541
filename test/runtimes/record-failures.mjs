// node test/runtimes/record-failures.mjs [--only NAME]
//
// Writes failures.json: how every runtime reports each failure, as failures.mjs finds it, under a
// few setups (permissions refused, proxies, …). As root, on Linux, with
// openssl, after npm ci in test/ and in test/browsers/ and test/browsers/install.sh, which is told
// there. WebKit too, if Debian's webkit2gtk-driver and xvfb are installed. The machine's name server
// must say at once that nowhere.invalid does not exist.
//
// Every server is on 127.0.0.1. A runtime that is missing is an error. --only: the runtimes whose
// name has that in it; the others stay as they were recorded.

import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {connect, createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createSecureContext, TLSSocket} from 'node:tls';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {gzipSync} from 'node:zlib';
import {run, serveWorkerd} from './hosts.mjs';

const NODES = [20, 22, 24, 26].map((version) => ({
  name: 'Node',
  record: recordProcess,
  path: `node${version}/bin/node`,
  setups: [
    'plain',
    'resolver',
    'unaccepted',
    ...(version >= 26 ? ['permission'] : []), // the others have no --allow-net
    ...(version >= 22 ? ['proxies'] : []),
  ],
  argsOfPermission: ['--permission', '--allow-fs-read=*'],
}));
const BUN = {name: 'Bun', record: recordProcess, setups: ['plain', 'resolver', 'proxies']};
const DENO = {
  name: 'Deno',
  record: recordProcess,
  args: ['run', '--no-check', '--allow-all'],
  setups: ['plain', 'resolver', 'permission', 'proxies'],
  argsOfPermission: [
    ...['run', '--no-check', '--no-prompt'],
    ...['--allow-read', '--allow-env', '--allow-sys'],
  ],
};
const WORKERD = {record: recordWorkerd, path: 'workerd/bin/workerd', setups: ['plain']};
const RUNTIMES = [
  ...NODES,
  {...BUN, path: 'bun-oldest/bin/bun'},
  {...BUN, path: 'bun/bin/bun'},
  {...DENO, path: 'deno-oldest/deno', isNodeProxied: false}, // its node:http knows no proxies
  {...DENO, path: 'deno/deno'},
  {
    ...WORKERD,
    name: 'workerd, nodejs_compat off,',
    date: '2026-11-01',
    flags: ['no_nodejs_compat', 'no_nodejs_compat_v2'],
  },
  {...WORKERD, name: 'workerd', date: '2026-11-01', flags: []},
  {...WORKERD, name: 'workerd, dated 2024-11-01,', date: '2024-11-01', flags: []},
  {name: 'Chromium', record: recordBrowser, browser: 'chromium', setups: ['plain', 'csp']},
  {name: 'Firefox', record: recordBrowser, browser: 'firefox', setups: ['plain', 'csp']},
  {name: 'WebKitGTK', record: recordWebKit, setups: ['plain', 'csp']},
];
const WEBKIT_DRIVER = '/usr/bin/WebKitWebDriver';
const MINI_BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';
const PROXIES = ['absent', '407', '403', '502', 'ended', 'no-http'];
const LINE = 'failures: '; // before what a process found, among what else it prints
const BUILT = '.build/failures';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));
const FILE = 'test/runtimes/failures.json';
const MOST_TEXT = 160; // characters of a message
const {
  values: {only = ''},
} = parseArgs({options: {only: {type: 'string'}}});
// What this machine is set to must not get into the record.
for (const name of Object.keys(process.env)) {
  if (/proxy|_cert|^(?:ssl|node|bun|deno)_/i.test(name)) delete process.env[name];
}
const folder = mkdtempSync(join(tmpdir(), 'failures-'));
const stops = [];
async function main() {
  const before = existsSync(FILE) ? recordedBefore() : {};
  const isKept = (name) => only || (name.startsWith('WebKitGTK') && !existsSync(MINI_BROWSER));
  const recorded = Object.fromEntries(Object.entries(before).filter(([name]) => isKept(name)));
  const world = await startServers();
  writeFiles();
  for (const runtime of RUNTIMES.filter(({name}) => name.includes(only))) {
    await recordOne(runtime, world, recorded);
  }
  writeFileSync(FILE, `[\n${rowsOf(recorded).join(',\n')}\n]\n`);
}

/** A row for each situation and error: [situation, [runtime, …], [[name, code, message], …]]. */
function rowsOf(recorded) {
  const runtimes = new Map();
  for (const [runtime, list] of Object.entries(recorded)) {
    for (const {situation, error} of list) {
      const chain = chainOf(error);
      if (!chain.length) continue; // no failure there
      const key = JSON.stringify([situation, chain]);
      runtimes.set(key, [...(runtimes.get(key) ?? []), runtime]);
    }
  }
  const byName = new Intl.Collator('en', {numeric: true}).compare;
  return [...runtimes]
    .map(([key, names]) => {
      const [situation, chain] = JSON.parse(key);
      return JSON.stringify([situation, names.sort(byName), chain]);
    })
    .sort(byName);
}

/** The errors down the chain of causes, with as much of their messages as is needed. */
function chainOf({name, code = '', message, cause, errors}) {
  if (name === undefined) return []; // it worked, or what was thrown is no error
  const next = cause ?? errors?.[0];
  return [[name, `${code}`, message.slice(0, MOST_TEXT)], ...(next ? chainOf(next) : [])];
}

/** What failures.json holds, as it was recorded. */
function recordedBefore() {
  const recorded = {};
  for (const [situation, names, chain] of JSON.parse(readFileSync(FILE, 'utf8'))) {
    const error = chain.reduceRight((cause, [name, code, message]) => {
      return {name, code, message, ...(cause && {cause})};
    }, undefined);
    for (const name of names) (recorded[name] ??= []).push({situation, error});
  }
  return recorded;
}

async function recordOne(runtime, world, recorded) {
  const {name, path, setups} = runtime;
  const command = path && `test/node_modules/${path}`;
  if (command && !existsSync(command)) throw new Error(`${command}: npm ci in test/ installs it`);
  if (runtime.record === recordWebKit && !existsSync(MINI_BROWSER)) {
    return console.log('WebKitGTK is not installed: left as it was');
  }
  const all = setups.flatMap((setup) =>
    setup === 'proxies' ? PROXIES.map((proxy) => `proxy-${proxy}`) : [setup],
  );
  const {version, lists} = await runtime.record({...runtime, command, setups: all}, world);
  const list = lists.flat().sort((a, b) => (a.situation < b.situation ? -1 : 1));
  recorded[`${name} ${version}`] = list;
  console.log(`${name} ${version}: ${list.length} situations`);
}

/** Node, Bun, Deno: a process for each setup. */
async function recordProcess(runtime, world) {
  const {command, args = [], setups, isNodeProxied = true} = runtime;
  const {output} = await run(command, ['--version']);
  const lists = [];
  for (const setup of setups) {
    const argsOfSetup = setup === 'permission' ? runtime.argsOfPermission : args;
    const asked = JSON.stringify({...world, setup, isTrusting: true, isNodeProxied});
    let line = [command, ...argsOfSetup, `${BUILT}/process.mjs`, asked];
    if (setup === 'resolver') line = inOtherResolver(line);
    lists.push(found(await run(line[0], line.slice(1), envOf(setup, world))));
  }
  return {version: /\d+\.\d+\.\d+/.exec(output)[0], lists};
}

function envOf(setup, {proxies}) {
  const env = {NODE_EXTRA_CA_CERTS: `${folder}/ca.crt`, DENO_CERT: `${folder}/ca.crt`};
  if (!setup.startsWith('proxy-')) return env;
  const proxy = proxies[setup.slice('proxy-'.length)];
  for (const name of ['http_proxy', 'https_proxy']) {
    Object.assign(env, {[name]: proxy, [name.toUpperCase()]: proxy});
  }
  return {...env, NODE_USE_ENV_PROXY: '1'};
}

function found({output, status}) {
  const line = output.split('\n').find((each) => each.startsWith(LINE));
  if (!line || status) throw new Error(`${status}\n${output}`);
  const stray = output.split('\n').filter((each) => each.startsWith('uncaught'));
  if (stray.length) console.log(stray.join('\n'));
  return JSON.parse(line.slice(LINE.length));
}

/** The command line where no name server answers and one name has two addresses. */
function inOtherResolver(line) {
  writeFileSync(`${folder}/hosts`, '127.0.0.1 twice.invalid\n127.0.0.2 twice.invalid\n');
  writeFileSync(`${folder}/resolv.conf`, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
  const script = ['hosts', 'resolv.conf']
    .map((name) => `mount --bind ${folder}/${name} /etc/${name} && `)
    .join('');
  return ['unshare', '--mount', 'sh', '-c', `${script} exec "$@"`, 'sh', ...line];
}

async function recordWorkerd({command, date, flags}, world) {
  const {version, url, child} = await serveWorkerd(command, {
    output: 'ignore', // it tells of each failure
    folder: BUILT,
    date,
    flags,
    modules: {
      'worker.mjs': `${BUILT}/worker.mjs`,
      'failures.mjs': 'test/runtimes/failures.mjs',
    },
    network:
      'allow = ["private", "public"],' + ' tlsOptions = (trustedCertificates = [embed "ca.crt"])',
  });
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify({...world, setup: 'plain', isTrusting: true}),
    });
    if (!response.ok) throw new Error(`workerd: ${response.status} ${await response.text()}`);
    return {version, lists: [await response.json()]};
  } finally {
    child.kill();
  }
}

const PAGES = {plain: '/page', csp: '/page-with-csp'};
const inPage = async (world) => (await import('/failures.mjs')).failures(world);

async function recordBrowser({browser: name, setups}, world) {
  const {launch} = await import('../browsers/browsers.mjs');
  const browser = await launch(name);
  try {
    const lists = [];
    for (const setup of setups) {
      const page = await browser.newPage();
      await page.goto(world.url + PAGES[setup]);
      lists.push(await page.evaluate(inPage, {...world, setup}));
      await page.close();
    }
    return {version: /[\d.]+/.exec(await browser.version())[0], lists};
  } finally {
    await browser.close();
  }
}

/** By WebDriver, on a screen that nobody sees. */
async function recordWebKit({setups}, world) {
  const screen = spawn('Xvfb', ['-displayfd', '3', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [display] = await once(screen.stdio[3].setEncoding('utf8'), 'data');
  const port = await freePort();
  const driver = spawn(WEBKIT_DRIVER, [`--port=${port}`, '--host=127.0.0.1'], {
    stdio: 'ignore',
    env: {...process.env, DISPLAY: `:${display.trim()}`, WEBKIT_DISABLE_COMPOSITING_MODE: '1'},
  });
  const ask = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/session${path}`, {
      method,
      body: body && JSON.stringify(body),
    });
    const {value} = await response.json();
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(value)}`);
    return value;
  };
  try {
    await reachable(port);
    const options = {binary: MINI_BROWSER, args: ['--automation']};
    const {sessionId, capabilities} = await ask('POST', '', {
      capabilities: {alwaysMatch: {'webkitgtk:browserOptions': options}},
    });
    const lists = [];
    await ask('POST', `/${sessionId}/timeouts`, {script: 300_000});
    for (const setup of setups) {
      await ask('POST', `/${sessionId}/url`, {url: world.url + PAGES[setup]});
      const script = `(${inPage})(arguments[0]).then(arguments[1])`;
      const args = [{...world, setup}];
      lists.push(await ask('POST', `/${sessionId}/execute/async`, {script, args}));
    }
    await ask('DELETE', `/${sessionId}`);
    return {version: capabilities.browserVersion, lists};
  } finally {
    driver.kill();
    screen.kill();
  }
}

/** The entries of processes and of workerd. */
function writeFiles() {
  mkdirSync(BUILT, {recursive: true});
  writeFileSync(`${BUILT}/ca.crt`, readFileSync(`${folder}/ca.crt`));
  writeFileSync(
    `${BUILT}/process.mjs`,
    `import {failures} from '../../test/runtimes/failures.mjs';
for (const kind of ['uncaughtException', 'unhandledRejection']) {
  process.on(kind, (error) => console.log('uncaught', error));
}
console.log('\\n${LINE}' + JSON.stringify(await failures(JSON.parse(process.argv[2]))));
process.exit();
`,
  );
  writeFileSync(
    `${BUILT}/worker.mjs`,
    `import {failures} from './failures.mjs';
export default {
  fetch: async (request) => Response.json(await failures(await request.json())),
};
`,
  );
}

/** The world of failures.mjs, and `proxies`: {name: URL}. */
async function startServers() {
  makeCertificates();
  const url = `http://127.0.0.1:${await listen((socket) => serve(socket))}`;
  const other = `http://127.0.0.1:${await listen((socket) => serve(socket))}`;
  const proxies = {absent: `http://127.0.0.1:${await freePort()}`};
  for (const name of PROXIES.slice(1)) {
    proxies[name] = `http://127.0.0.1:${await listen((socket) => serveProxy(socket, name))}`;
  }
  return {
    url,
    other,
    closed: `http://127.0.0.1:${await freePort()}/`,
    unaccepted: `http://127.0.0.1:${await startUnaccepted()}/`,
    tls: await startTLS(),
    proxies,
  };
}

const CERTIFICATES = {
  'no-failure': {issuer: 'ca'},
  'wrong-name': {issuer: 'ca', name: 'DNS:other.test'},
  expired: {issuer: 'ca', from: '20200101000000Z', until: '20210101000000Z'},
  'not-yet-valid': {issuer: 'ca', from: '20480101000000Z'},
  'unknown-issuer': {issuer: 'unknown-ca'},
  'unknown-issuer-in-chain': {issuer: 'unknown-ca', chain: ['unknown-ca']},
  'unknown-root': {issuer: 'intermediate', chain: ['intermediate']},
  'self-signed': {},
  'self-signed-wrong-name': {name: 'DNS:other.test'},
  'self-signed-expired': {from: '20200101000000Z', until: '20210101000000Z'},
};
const TLS_SERVERS = {
  ...Object.fromEntries(Object.keys(CERTIFICATES).map((name) => [name, {certificate: name}])),
  'version-too-old': {
    certificate: 'no-failure',
    context: {minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0'},
  },
  'client-certificate-missing': {
    certificate: 'no-failure',
    socket: {requestCert: true, rejectUnauthorized: true},
  },
};

function makeCertificates() {
  makeCertificate('ca', {isAuthority: true, name: 'DNS:authority.test'});
  makeCertificate('unknown-ca', {isAuthority: true, name: 'DNS:unknown.test'});
  makeCertificate('intermediate', {
    issuer: 'unknown-ca',
    isAuthority: true,
    name: 'DNS:intermediate.test',
  });
  for (const [name, how] of Object.entries(CERTIFICATES)) makeCertificate(name, how);
}

/** name.key and name.crt; `openssl ca` because only it takes dates. */
function makeCertificate(name, how) {
  const {issuer, isAuthority = false, name: alternative = 'IP:127.0.0.1'} = how;
  const {from = '20240101000000Z', until = '20490101000000Z'} = how;
  const at = (ending, of = name) => join(folder, `${of}.${ending}`);
  const openssl = (...args) => execFileSync('openssl', args, {stdio: 'pipe'});
  mkdirSync(at('new'));
  writeFileSync(at('index'), '');
  writeFileSync(
    at('conf'),
    `[ca]
default_ca = all
[all]
new_certs_dir = ${at('new')}
database = ${at('index')}
rand_serial = yes
default_md = sha256
policy = names
x509_extensions = extensions
unique_subject = no
[names]
commonName = supplied
[extensions]
subjectAltName = ${alternative}
basicConstraints = critical, CA:${isAuthority ? 'TRUE' : 'FALSE'}
${isAuthority ? 'keyUsage = critical, keyCertSign, cRLSign' : 'extendedKeyUsage = serverAuth'}
subjectKeyIdentifier = hash
`,
  );
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', at('key'));
  openssl('req', '-new', '-key', at('key'), '-subj', `/CN=${name}.test`, '-out', at('csr'));
  const signer = issuer
    ? ['-cert', at('crt', issuer), '-keyfile', at('key', issuer)]
    : ['-selfsign', '-keyfile', at('key')];
  openssl(
    ...['ca', '-batch', '-notext', '-config', at('conf'), '-in', at('csr'), '-out', at('crt')],
    ...['-startdate', from, '-enddate', until, ...signer],
  );
}

async function startTLS() {
  const tls = {};
  for (const [name, {certificate, context, socket: options}] of Object.entries(TLS_SERVERS)) {
    const {chain = []} = CERTIFICATES[certificate];
    const secureContext = createSecureContext({
      key: readFileSync(`${folder}/${certificate}.key`),
      cert: [certificate, ...chain]
        .map((each) => readFileSync(`${folder}/${each}.crt`, 'utf8'))
        .join(''),
      ...context,
    });
    tls[name] = await listen((raw) => {
      const socket = new TLSSocket(raw, {isServer: true, secureContext, ...options});
      socket.on('error', () => raw.destroy());
      serve(socket, raw);
    });
  }
  tls['ended-in-handshake'] = await listen((raw) => raw.once('data', () => raw.end()));
  tls['reset-in-handshake'] = await listen((raw) => raw.once('data', () => raw.resetAndDestroy()));
  return Object.fromEntries(
    Object.entries(tls).map(([name, port]) => [name, `https://127.0.0.1:${port}`]),
  );
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n';
// undici takes a lost connection for the end of a body where the server said that it would close.
const CLOSING = `${HEAD}connection: close\r\n`;
const FIXED_BODY = 'content-length: 100\r\n\r\nfirst';
const CHUNKED_BODY = 'transfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n';
const redirect = (status, location) =>
  `HTTP/1.1 ${status} Moved\r\nlocation: ${location}\r\nconnection: close\r\n`
  + 'content-length: 0\r\n\r\n';
const gzip = () => gzipSync(Buffer.from('a body that is long enough '.repeat(100)));

/** What is done at a path. `cut` ends the connection as a server that is killed; also under TLS. */
const ACTIONS = {
  '/fine': ({end}) => end(whole('fine')),
  '/echo': ({end, head}) => end(whole(JSON.stringify(headersIn(head)))),
  '/page': ({end}) => end(whole('<!doctype html><title>failures</title>', 'text/html')),
  '/page-with-csp': ({end}) =>
    end(
      whole(
        '<!doctype html><title>failures</title>',
        "text/html\r\ncontent-security-policy: connect-src 'none'",
      ),
    ),
  '/failures.mjs': ({end}) =>
    end(whole(readFileSync('test/runtimes/failures.mjs', 'utf8'), 'text/javascript')),
  '/silent': () => {},
  '/silent-in-body': ({write}) => write(HEAD + CHUNKED_BODY),
  '/reset-before-headers': ({reset}) => reset(),
  '/ended-before-headers': ({cut}) => cut(),
  '/ended-in-headers': ({write, cut}) => write(HEAD, cut),
  '/no-http': ({end}) => end('SSH-2.0-OpenSSH_9.9\r\n'),
  '/header-line-invalid': ({end}) => end(`${HEAD}no header\r\ncontent-length: 0\r\n\r\n`),
  '/headers-too-large': ({end}) => end(`${HEAD}${tooManyHeaders()}content-length: 0\r\n\r\n`),
  '/content-length-invalid': ({end}) => end(`${HEAD}content-length: five\r\n\r\nfirst`),
  '/reset-in-body': ({write, reset}) => write(HEAD + FIXED_BODY, reset),
  '/reset-in-closing-body': ({write, reset}) => write(CLOSING + FIXED_BODY, reset),
  '/reset-in-chunked-body': ({write, reset}) => write(HEAD + CHUNKED_BODY, reset),
  '/reset-in-closing-chunked-body': ({write, reset}) => write(CLOSING + CHUNKED_BODY, reset),
  '/reset-in-endless-body': ({write, reset}) => write(`${CLOSING}\r\nfirst`, reset),
  '/ended-in-endless-body': ({write, cut}) => write(`${CLOSING}\r\nfirst`, cut),
  '/ended-in-chunked-body': ({write, cut}) => write(HEAD + CHUNKED_BODY, cut),
  '/ended-in-closing-chunked-body': ({write, cut}) => write(CLOSING + CHUNKED_BODY, cut),
  '/content-length-not-reached': ({write, cut}) => write(HEAD + FIXED_BODY, cut),
  '/content-length-not-reached-closing': ({write, cut}) => write(CLOSING + FIXED_BODY, cut),
  '/chunk-size-invalid': ({write, end}) =>
    write(HEAD + CHUNKED_BODY, () => end('zz\r\nsecond\r\n')),
  '/gzip-corrupt': ({end}) => {
    const bytes = gzip();
    bytes.fill(0xff, 10); // the header is right
    end(compressed(bytes));
  },
  '/gzip-cut': ({end}) => end(compressed(gzip().subarray(0, -10))),
  '/redirect': ({end}) => end(redirect(302, '/fine')),
  '/redirect-kept': ({end}) => end(redirect(307, '/fine')),
  '/redirect-loop': ({end}) => end(redirect(302, '/redirect-loop')),
  '/redirect-to-nowhere': ({end}) => end(whole('').replace('200 OK', '302 Found')),
  '/redirect-to-ftp': ({end}) => end(redirect(302, 'ftp://127.0.0.1/')),
  '/redirect-to-invalid': ({end}) => end(redirect(302, 'http://[')),
  '/redirect-to-other': ({end, other}) => end(redirect(302, `${other}/fine`)),
};

function whole(body, type = 'text/plain') {
  return (
    `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncache-control: no-store\r\nconnection: close\r\n`
    + `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

function compressed(bytes) {
  const head = `${CLOSING}content-encoding: gzip\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** 1 MB: more than any runtime takes. */
function tooManyHeaders() {
  return Array.from({length: 64}, (_, at) => `x-${at}: ${'a'.repeat(16_384)}\r\n`).join('');
}

function headersIn(head) {
  const headers = {};
  for (const line of head.split('\r\n').slice(1)) {
    const [, name, value] = /^([^:]+): *(.*)$/.exec(line) ?? [];
    if (name) (headers[name.toLowerCase()] ??= []).push(value);
  }
  return headers;
}

/** One request on a connection; `raw` is what carries it, where `socket` is TLS. */
function serve(socket, raw = socket) {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    const isFirst = !text;
    text += bytes.toString('latin1');
    if (isFirst && bytes[0] === 22) {
      // A TLS handshake: what servers say to that.
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = text.slice(0, end);
    text = '';
    const action = ACTIONS[/^\S+ (?:http:\/\/[^/]+)?(\S+)/.exec(head)[1]];
    socket.removeAllListeners('data').resume();
    if (!action) return socket.end(whole('').replace('200 OK', '404 Not Found'));
    // The client must have read what was written before it meets the end.
    const later = (then) => then && setTimeout(then, 300);
    action({
      head,
      other: `http://localhost:${raw.localPort}`,
      write: (data, then) => socket.write(data, () => later(then)),
      end: (data) => socket.end(data),
      cut: () => raw.end(),
      reset: () => raw.resetAndDestroy(),
    });
  });
}

/** A proxy, of this kind. */
function serveProxy(socket, kind) {
  socket.once('data', () => {
    if (kind === 'ended') return socket.end();
    if (kind === 'no-http') return socket.end('SSH-2.0-OpenSSH_9.9\r\n');
    socket.end(
      `HTTP/1.1 ${kind} Refused\r\nproxy-authenticate: Basic realm="a proxy"\r\n`
        + 'connection: close\r\ncontent-length: 0\r\n\r\n',
    );
  });
}

/** The port of a server on loopback. */
async function listen(onSocket) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address().port;
}

/** A port that was free a moment ago. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The port of a server that sleeps and whose queue is full: nobody says yes or no there. */
async function startUnaccepted() {
  const script =
    "require('net').createServer().listen({port: 0, host: '127.0.0.1', backlog: 1}, function () {"
    + ' console.log(this.address().port)})';
  const child = spawn(process.execPath, ['-e', script], {stdio: ['ignore', 'pipe', 'inherit']});
  stops.push(() => child.kill('SIGKILL'));
  const port = Number((await once(child.stdout, 'data'))[0]);
  child.kill('SIGSTOP');
  for (let tries = 0; tries < 20; tries++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    stops.push(() => socket.destroy());
    const isTaken = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise((resolve) => setTimeout(resolve, 500, false)),
    ]);
    if (isTaken) continue;
    socket.destroy();
    return port;
  }
  throw new Error('the queue of connections does not fill');
}

async function reachable(port) {
  for (let tries = 0; tries < 100; tries++) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false, // `once` rejects with an 'error'
    );
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nobody listens on port ${port}`);
}

try {
  await main();
} finally {
  for (const stop of stops.reverse()) stop();
  rmSync(folder, {recursive: true});
}
process.exit();
