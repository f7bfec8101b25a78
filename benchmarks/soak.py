"""Eight clients against one real server for a while: no error, no wrong answer, memory at the end.

python -m benchmarks.soak --threads 8 --seconds 30 --engine durable
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
REQUESTS = sorted((ROOT / "fhir_fixtures" / "requests").glob("*.patient-view.json"))
PATH = "/cds-services/ketamine-trd-patient-view"


def main() -> int:
    """Run the soak and print what came of it; exit 1 on any wrong or missing answer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--engine", choices=["durable", "direct"], default=None)
    options = parser.parse_args()
    port = free_port()
    server = start(port, options.workers, options.engine)
    try:
        results = soak(port, options.threads, options.seconds)
        memory = resident(server.pid)
    finally:
        server.terminate()
        server.wait(20)
    wrong = sum(count for name, count in results.items() if name != "right")
    print(
        f"{results['right']} right answers, {wrong} wrong or failed, {options.threads} threads, "
        f"{options.seconds:g} s, {options.workers} worker(s), engine {options.engine or 'default'}, "
        f"memory of the server's processes {memory} MB"
    )
    for name, count in results.items():
        if name != "right":
            print(f"  {count} x {name}")
    return 1 if wrong or not results["right"] else 0


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(port: int, workers: int, engine: str | None) -> subprocess.Popen[bytes]:
    """The real server, time frozen, waited for until it is ready."""
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port), "--today", "2026-03-01"]
    command += ["--workers", str(workers), *(["--engine", engine] if engine else [])]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return server
        except OSError:
            time.sleep(0.05)
    server.terminate()
    raise SystemExit("the server did not become ready")


def soak(port: int, threads: int, seconds: float) -> Counter[str]:
    """Ask all the time from every thread; compare each answer with the first one to the same body."""
    bodies = [path.read_bytes() for path in REQUESTS]
    first = [ask(http.client.HTTPConnection("127.0.0.1", port, timeout=10), body) for body in bodies]
    end = time.monotonic() + seconds
    counts: list[Counter[str]] = [Counter() for _ in range(threads)]

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        turn = number
        while time.monotonic() < end:
            index = turn % len(bodies)
            turn += 1
            try:
                answer = ask(connection, bodies[index])
                counts[number]["right" if answer == first[index] else "wrong answer"] += 1
            except (OSError, http.client.HTTPException) as error:
                counts[number][type(error).__name__] += 1
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(threads)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    return sum(counts, Counter())


def ask(connection: http.client.HTTPConnection, body: bytes) -> str:
    """The text of one answer, which must be a 200 with cards."""
    connection.request("POST", PATH, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read().decode()
    if response.status != 200 or "cards" not in json.loads(text):
        raise http.client.HTTPException(f"status {response.status}")
    return text


def resident(pid: int) -> int:
    """Megabytes held by a process and its children (Linux; 0 elsewhere)."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status = (entry / "status").read_text()
        except OSError:
            continue
        parent = re.search(r"^PPid:\s+(\d+)", status, re.M)
        size = re.search(r"^VmRSS:\s+(\d+)", status, re.M)
        mine = entry.name == str(pid) or (parent is not None and parent.group(1) == str(pid))
        total += int(size.group(1)) // 1024 if mine and size else 0
    return total


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
