# starlette on uvicorn: `text/event-stream; charset=utf-8`.

import asyncio

import uvicorn
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from history import FEW, PACE, burst, numbered, port, report


def response(stream, status=200):
    return StreamingResponse(stream, status, media_type='text/event-stream')


async def events(request):
    last_event_id = request.headers.get('last-event-id')

    async def stream():
        report('open', last_event_id)
        try:
            yield 'retry: 20\n\n'
            for k in burst(last_event_id):
                yield numbered(k, '\n')
                await asyncio.sleep(PACE)
            while True:
                yield ':\n\n'
                await asyncio.sleep(0.01)
        finally:
            report('close')

    return response(stream())


async def few(request):
    return response(numbered(k, '\n') for k in FEW)


async def answer(request):
    report('post')
    words = (await request.json())['words']
    return response((f'data: {word}\n\n' for word in words), 201)


app = Starlette(routes=[
    Route('/events', events), Route('/few', few), Route('/answer', answer, methods=['POST']),
])
uvicorn.run(app, host='127.0.0.1', port=port, log_level='warning')
