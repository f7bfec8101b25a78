"""A log file that several processes append to: whole lines, none lost, whatever happens to the file."""

from __future__ import annotations

import json
import multiprocessing
import resource
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cds_service.web.observe.logfile import LogFile

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_PROCESSES, _THREADS, _LINES = 3, 2, 200


def line(writer: int, number: int) -> bytes:
    """A line of a length of its own, longer than a page now and then."""
    return json.dumps([writer, number, "x" * (number * 37 % 6000)]).encode() + b"\n"


def write(path: Path, writer: int, most: int) -> None:
    """Write all lines of one process, from several threads."""
    log = LogFile(path, most=most)

    def run(thread: int) -> None:
        for number in range(thread, _LINES, _THREADS):
            log.append(line(writer, number), AT + timedelta(seconds=number // 50))

    threads = [threading.Thread(target=run, args=(thread,)) for thread in range(_THREADS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def read(folder: Path) -> Counter[tuple[int, int]]:
    """The lines of all files, each of which must be whole."""
    texts = [path.read_text() for path in folder.iterdir()]
    assert all(text.endswith("\n") for text in texts if text)
    rows = [json.loads(text) for whole in texts for text in whole.splitlines()]
    assert all(row[2] == "x" * (row[1] * 37 % 6000) for row in rows)
    return Counter((row[0], row[1]) for row in rows)


@pytest.mark.parametrize("most", [1_000_000_000, 50_000])
def test_lines_of_several_processes_are_whole_and_all_there_while_the_file_is_moved_aside(
    tmp_path: Path, most: int
):
    spawn = multiprocessing.get_context("spawn")
    path = tmp_path / "log"
    processes = [spawn.Process(target=write, args=(path, writer, most)) for writer in range(_PROCESSES)]
    for one in processes:
        one.start()
    for one in processes:
        one.join(60)
        assert one.exitcode == 0
    assert read(tmp_path) == Counter((p, n) for p in range(_PROCESSES) for n in range(_LINES))
    moved = [found for found in tmp_path.iterdir() if found != path]
    assert bool(moved) is (most == 50_000)
    assert all(found.stat().st_size >= most for found in moved)


def test_a_full_file_is_moved_under_its_time_and_nothing_is_overwritten(tmp_path: Path):
    log = LogFile(tmp_path / "log", most=1)
    for number in range(4):
        log.append(f"{number}\n".encode(), AT)
    names = ["log", "log.20260301T120000Z", "log.20260301T120000Z-1", "log.20260301T120000Z-2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert [(tmp_path / name).read_text() for name in names] == ["3\n", "0\n", "1\n", "2\n"]


def test_a_file_that_was_moved_or_deleted_is_begun_anew(tmp_path: Path):
    path = tmp_path / "log"
    log = LogFile(path)
    log.append(b"1\n", AT)
    path.rename(tmp_path / "log.1")
    log.append(b"2\n", AT)
    path.unlink()
    log.append(b"3\n", AT)
    assert ((tmp_path / "log.1").read_text(), path.read_text()) == ("1\n", "3\n")


def test_what_is_there_stays(tmp_path: Path):
    path = tmp_path / "log"
    path.write_text("before\n")
    log = LogFile(path)
    log.append(b"after\n", AT)
    log.close()
    assert path.read_text() == "before\nafter\n"


def _on_a_small_disk(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    log = LogFile(path)
    log.append(b"whole\n", AT)
    for _ in range(2):
        with pytest.raises(OSError):
            log.append(b"torn apart\n", AT)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log.append(b"whole again\n", AT)
    log.append(b"and on\n", AT)


def test_after_a_full_disk_the_next_line_stands_apart_from_the_torn_one(tmp_path: Path):
    process = multiprocessing.get_context("spawn").Process(target=_on_a_small_disk, args=(tmp_path / "log",))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert (tmp_path / "log").read_text() == "whole\ntorn\nwhole again\nand on\n"
