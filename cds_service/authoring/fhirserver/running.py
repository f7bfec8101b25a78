"""The test server on a socket of this machine: for as long as a block of code runs, or until stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from cds_service.authoring.fhirserver.app import BASE


class _Silent(WSGIRequestHandler):
    """Writes no addresses to the log: they hold patient ids."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


def listening(app: Flask, host: str = "127.0.0.1", port: int = 0) -> BaseWSGIServer:
    """A server that listens, one thread per connection; port 0 takes a free one. Raises OSError."""
    return make_server(host, port, app, threaded=True, request_handler=_Silent)


def base_of(server: BaseWSGIServer) -> str:
    """The FHIR base URL of a server."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}{BASE}"


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve on a free port of this machine while the block runs; gives the FHIR base URL."""
    server = listening(app)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield base_of(server)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
