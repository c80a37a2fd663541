// One contestant of the parse benchmark in a process of its own, for all sizes of chunks of one
// workload: see contestants.mjs. Answers with what it refuses; then, asked for a size, with the ms
// of a run.

import {answer, questions} from './child.mjs';
import {enter} from './contestants.mjs';

const {report, measure} = await enter(JSON.parse(process.argv[2]));
answer(report);
for await (const {chunk} of questions()) answer({ms: await measure(chunk)});
process.exit(); // peers leave timers behind, to connect again
