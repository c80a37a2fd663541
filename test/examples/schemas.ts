// What TypeScript knows of validated values, with zod, valibot and arktype. Nothing of this runs:
// schemas.test.mjs compiles it.

import {type} from 'arktype';
import * as v from 'valibot';
import {z} from 'zod';
import {
  type AsyncSSEClient,
  type EventSource,
  jsonLines,
  type OutputOf,
  type SchemaLike,
  type SSEClient,
  type SSEEvent,
  type SyncEventSource,
} from '../../sse.ts';

declare const event: SSEEvent;
declare const source: EventSource;
declare const textSource: SyncEventSource;
declare const asyncClient: AsyncSSEClient;
declare const client: SSEClient;
declare const response: Response;
declare const text: string;

/** Fails to compile unless both types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

/** What each schema makes of {"id": 1, "total": "1.5"}. */
interface Order {
  id: number;
  total: number;
}

const zodOrder = z.object({id: z.int(), total: z.string().transform(Number)});
const valibotOrder = v.object({
  id: v.number(),
  total: v.pipe(v.string(), v.transform(Number)),
});
const arktypeOrder = type({id: 'number', total: ['string', '=>', Number]});
const zodKnown = zodOrder.refine(async ({id}) => id > 0);
const valibotKnown = v.pipeAsync(
  valibotOrder,
  v.checkAsync(async ({id}) => id > 0),
);

/** The values of a loop. */
type In<Loop> = Loop extends Iterable<infer T> | AsyncIterable<infer T> ? T : never;

export function outputs(): void {
  same<OutputOf<typeof zodOrder>, Order>(true);
  same<OutputOf<typeof valibotOrder>, Order>(true);
  same<OutputOf<typeof arktypeOrder>, Order>(true);
  same<OutputOf<typeof zodKnown>, Order>(true);
  same<OutputOf<typeof valibotKnown>, Order>(true);
  const schemas: SchemaLike<Order>[] = [
    zodOrder,
    valibotOrder,
    arktypeOrder,
    zodKnown,
    valibotKnown,
  ];
  // @ts-expect-error It makes something else of it.
  const wrong: SchemaLike<string> = zodOrder;
  void [schemas, wrong];
}

export function ofEvents(): void {
  const orders = [event.json(zodOrder), event.json(valibotOrder), event.json(arktypeOrder)];
  same<typeof orders, Order[]>(true);
  // @ts-expect-error There is no such field in the output of zod's,
  event.json(zodOrder).name;
  // @ts-expect-error of valibot's,
  event.json(valibotOrder).name;
  // @ts-expect-error of arktype's.
  event.json(arktypeOrder).name;
  // @ts-expect-error What was a text on the wire is a number.
  event.json(arktypeOrder).total.trim();
  // @ts-expect-error Here it is the schema itself.
  event.json({schema: zodOrder});
  // @ts-expect-error A parser alone is no schema.
  event.json(zodOrder.parse);
}

export function ofLoops(): void {
  const zod = source.json({schema: zodOrder});
  const valibot = source.json({schema: valibotOrder, done: null});
  const arktype = source.json({schema: arktypeOrder});
  const inSource = [zod, valibot, arktype, source.json({schema: zodKnown})];
  same<In<(typeof inSource)[number]>, Order>(true);
  const inText = [
    textSource.json({schema: zodOrder}),
    textSource.json({schema: valibotOrder}),
    textSource.json({schema: arktypeOrder}),
  ];
  for (const loop of inText) for (const order of loop) same<typeof order, Order>(true);
  const inClient = [
    client.json({schema: zodOrder}),
    client.json({schema: valibotOrder, done: 'END'}),
    client.json({schema: arktypeOrder}),
  ];
  for (const loop of inClient) for (const order of loop) same<typeof order, Order>(true);
  const inAsyncClient = [
    asyncClient.json({schema: zodOrder}),
    asyncClient.json({schema: valibotKnown}),
    asyncClient.json({schema: arktypeOrder}),
  ];
  same<In<(typeof inAsyncClient)[number]>, Order>(true);
  // @ts-expect-error Only `for await` waits for a source that does.
  for (const order of zod) void order;
  // @ts-expect-error Here it is an option.
  source.json(zodOrder);
  // @ts-expect-error
  client.json(arktypeOrder);
  // @ts-expect-error A schema's outputs are typed already.
  client.json<string>({schema: zodOrder});
}

export async function ofLines(): Promise<void> {
  const inResponse = [
    jsonLines(response, {schema: zodOrder}),
    jsonLines(response, {schema: valibotKnown, maxEventSize: 1000}),
    jsonLines(response, {schema: arktypeOrder}),
  ];
  for (const loop of inResponse) for await (const order of loop) same<typeof order, Order>(true);
  const inText = [
    jsonLines(text, {schema: zodOrder}),
    jsonLines(text, {schema: valibotOrder}),
    jsonLines(text, {schema: arktypeOrder}),
  ];
  for (const loop of inText) for (const order of loop) same<typeof order, Order>(true);
  // @ts-expect-error There is no such field.
  for await (const {name} of jsonLines(response, {schema: arktypeOrder})) void name;
  // @ts-expect-error Only `for await` waits for a response.
  for (const order of jsonLines(response, {schema: valibotOrder})) void order;
  // @ts-expect-error Here it is an option.
  jsonLines(text, zodOrder);
}
