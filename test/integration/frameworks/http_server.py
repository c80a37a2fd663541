# Python's http.server: HTTP/1.0, so that only the end of the connection ends a stream, and CRLF.

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from history import FEW, PACE, burst, numbered, port, report


class Handler(BaseHTTPRequestHandler):
    def begin(self, status=200):
        self.send_response(status)
        self.send_header('Content-Type', 'text/event-stream')
        self.end_headers()

    def do_GET(self):
        self.begin()
        if self.path == '/few':
            for k in FEW:
                self.wfile.write(numbered(k, '\r\n'))
            return
        last_event_id = self.headers.get('Last-Event-ID')
        report('open', last_event_id)
        try:
            self.wfile.write(b'retry: 20\r\n\r\n')
            for k in burst(last_event_id):
                self.wfile.write(numbered(k, '\r\n'))
                time.sleep(PACE)
            while True:  # nothing else tells it that the client has left
                self.wfile.write(b': ping\r\n\r\n')
                time.sleep(0.01)
        except OSError:
            report('close')

    def do_POST(self):
        report('post')
        length = int(self.headers['Content-Length'])
        words = json.loads(self.rfile.read(length))['words']
        self.begin(201)
        for word in words:
            self.wfile.write(f'data: {word}\r\n\r\n'.encode())

    def log_message(self, *args):
        pass


ThreadingHTTPServer(('127.0.0.1', port), Handler).serve_forever()
