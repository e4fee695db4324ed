"""An S3 server in memory: moto on a free port of this machine, which it prints. Ends when its standard input does."""

import logging
import os
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

# One request at a time: moto looks whether a key is taken and then writes it, and another thread must not come between.
turn = threading.Lock()
application = DomainDispatcherApplication(create_backend_app)


def in_turn(environ, start_response):
    with turn:
        return application(environ, start_response)


logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, in_turn, threaded=True, request_handler=MotoRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
os._exit(0)
