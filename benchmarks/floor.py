"""The floor: Flask under the same server, reading the same body with orjson, answering constant bytes.

    python -m benchmarks.floor PORT FILE

FILE holds the bytes to answer: what the product answered to the same body. Nothing here is worth copying into
a service; it is what any Flask service pays before it does any work.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import orjson
from flask import Flask, Response, request

from cds_service.settings import Settings
from cds_service.web import serve

ANSWER = "BENCHMARK_ANSWER"
_TARGET = "benchmarks.floor:create"


def create() -> Flask:
    """The application of one worker, its garbage collector treated as the product's."""
    answer = Path(os.environ[ANSWER]).read_bytes()
    app = Flask(__name__, static_folder=None, template_folder=None)

    @app.post("/cds-services/<service_id>")
    def call(service_id: str) -> Response:  # noqa: ARG001
        orjson.loads(request.get_data())
        return Response(answer, mimetype="application/json")

    gc.collect()
    gc.freeze()
    return app


def main() -> None:
    """Serve the floor with the product's own server and options until stopped."""
    port, answer = sys.argv[1:]
    os.environ[ANSWER] = answer
    serve._TARGET = _TARGET  # the one difference between the two servers
    serve.run(Settings(port=int(port)), "floor")


if __name__ == "__main__":
    main()
