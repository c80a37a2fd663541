// Where the tests run, and how many of them.

/** Without real sockets and the slowest products: what the mutation check runs. */
export const IS_FAST = process.env['SSE_TEST'] === 'fast';
/** Without real sockets: what runs where there are none (workerd, browsers). */
export const IS_PURE = process.env['SSE_TEST'] === 'pure';

export const IS_BUN = 'bun' in process.versions;
export const IS_DENO = 'deno' in process.versions;
/** In a page relative URLs are right, and the browser follows redirects. */
export const IS_PAGE = 'location' in globalThis && !IS_DENO;
/** workerd encodes headers as UTF-8 by itself, and takes some that others refuse. */
export const IS_WORKERD = globalThis.navigator?.userAgent === 'Cloudflare-Workers';
