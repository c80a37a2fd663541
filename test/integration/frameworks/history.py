# What history.mjs is for Node: 60 numbered events, at most 20 a connection, then silence.

import json
import sys

TOTAL = 60
BURST = 20
PACE = 0.002  # s
TEXTS = [
    'plain', 'line\nline', ' two  spaces ', 'é€😀', '{"json":true}', 'data: no field',
    ': no comment', '\u2028\u0085no end of line', 'id: 0', '"',
]


def numbered(k, end):
    event = 'message' if k % 3 else 'tick'
    data = f'{k} {TEXTS[k % len(TEXTS)]}' + ('é' * 40_000 if k % 20 == 7 else '')
    lines = [f'id: {k}', f'event: {event}'] + [f'data: {line}' for line in data.split('\n')]
    return (end.join(lines) + end + end).encode()


def burst(last_event_id):
    first = int(last_event_id or 0) + 1
    return range(first, min(first + BURST, TOTAL + 1))


FEW = range(1, 8)


def report(what, last_event_id=None):
    fields = [what] if what == 'close' else [what, last_event_id or '']
    print(json.dumps(fields), flush=True)


port = int(sys.argv[1])
