// Makes a failing plan smaller: takes out what it fails without, with the same invariant.

/** `fails(plan)` resolves to true where the plan still fails as the first one did. */
export async function shrink(plan, fails, most = 1500) {
  let left = most;
  const tries = async (smaller) => left-- > 0 && (await fails(smaller));
  for (let before; before !== JSON.stringify(plan) && left > 0; ) {
    before = JSON.stringify(plan);
    for (const list of ['steps', 'answers', 'calls']) plan = await fewer(plan, list, tries);
    for (const smaller of simpler) {
      for (const next of smaller(plan)) if (await tries(next)) plan = next;
    }
  }
  return plan;
}

/** Takes out as many members of that list as it can: halves first, then one at a time. */
async function fewer(plan, list, tries) {
  for (let size = Math.ceil(plan[list].length / 2); size >= 1; size = size >> 1) {
    for (let at = 0; at < plan[list].length; ) {
      const smaller = {
        ...plan,
        [list]: plan[list].toSpliced?.(at, size) ?? without(plan[list], at, size),
      };
      if (await tries(smaller)) plan = smaller;
      else at += size;
    }
  }
  return plan;
}

function without(list, at, size) {
  return [...list.slice(0, at), ...list.slice(at + size)];
}

const withoutKey = (object, key) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

/** What a plan can do without; each is tried by itself. */
const simpler = [
  (plan) =>
    Object.keys(plan.options).map((key) => ({...plan, options: withoutKey(plan.options, key)})),
  (plan) =>
    ['until', 'sleeps', 'hasSignal'].filter((key) => plan[key]).map((key) => withoutKey(plan, key)),
  (plan) => (plan.transport === 'plain' ? [] : [{...plan, transport: 'plain'}]),
  (plan) => [{...plan, history: {isExact: true, end: '\n', retries: []}}],
  (plan) => membersOf(plan, 'answers'),
  (plan) => membersOf(plan, 'steps'),
];

/** The plan with one field less, or a smaller number, in one member of a list. */
function membersOf(plan, list) {
  return plan[list].flatMap((member, at) =>
    Object.entries(member).flatMap(([key, value]) => {
      if (['answer', 'do', 'body', 'status'].includes(key)) return [];
      const put = (next) => ({
        ...plan,
        [list]: plan[list].map((each, place) => (place === at ? next : each)),
      });
      const less = withoutKey(member, key);
      return typeof value === 'number' && value > 1
        ? [put(less), put({...member, [key]: 1})]
        : [put(less)];
    }),
  );
}
