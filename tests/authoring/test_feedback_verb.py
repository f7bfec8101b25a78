"""`cds feedback`: the report of what became of cards, from a database and a decision log."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cds_service.authoring.cli import cli
from cds_service.authoring.tally import UNKNOWN, ShownCard, Window, tally
from cds_service.cards.identity import card_uuid, prefix_of, rule_prefix
from cds_service.store.database import Database
from cds_service.store.feedback import Channel, Entry, FeedbackLog, Said

RULES = Path(__file__).parent.parent / "web" / "rulebooks"
HEAVY = ("heavy-patient", "1.0.0")
OLD = ("heavy-patient", "0.9.0")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = Channel("local", service="s")
HOUR = "2026-03-01T{:02}:00:00+00:00"


def card(number: int, rule: tuple[str, str] = HEAVY) -> str:
    """The uuid of card `number` of a rule version."""
    return card_uuid(rule_prefix(*rule), str(number), [rule[0]], 0)


def said(uuid: str, outcome: str = "overridden", hour: int = 12, **members: Any) -> Entry:
    return Entry(
        card=uuid,
        rule_prefix=prefix_of(uuid),
        outcome=outcome,
        outcome_time=NOON.replace(hour=hour),
        suggestions=("s",) if outcome == "accepted" else (),
        **members,
    )


class Place:
    """A folder with a database and a decision log."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "decisions.jsonl"
        self.url = f"sqlite:///{folder}/cds.sqlite3"
        Database(self.url).check()

    def keep(self, *entries: Entry, channel: Channel = HERE) -> None:
        FeedbackLog(Database(self.url)).keep(entries, channel, NOON)

    def log(self, *cards: tuple[str, list[tuple[str, str]]], **members: Any) -> None:
        shown = [
            {"uuid": uuid, "rules": [{"id": r, "version": v} for r, v in rules]} for uuid, rules in cards
        ]
        with self.path.open("a") as file:
            file.write(json.dumps({"service": HERE.service, "client": HERE.client, "cards": shown} | members))
            file.write("\n")

    def run(self, *arguments: str, **env: str) -> Any:
        env = {"CDS_DATABASE_URL": self.url} | env
        return CliRunner(env=env).invoke(cli, ["feedback", "--rules", str(RULES), *arguments])

    def report(self, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
        result = self.run("--format", "json", *arguments)
        assert result.exit_code == 0, result.output
        return {(row["rule"], row["version"]): row for row in json.loads(result.stdout)}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_report_says_shown_accepted_overridden_and_unanswered_per_rule_and_version(place: Place):
    for number in range(5):
        place.log((card(number), [HEAVY]), time=HOUR.format(11))
    place.log((card(9, OLD), [OLD]), time=HOUR.format(11))
    place.keep(
        said(card(0), "accepted"),
        said(card(1), reason_code="declined"),
        said(card(2), reason_code="declined"),
        said(card(3)),
        said(card(9, OLD), reason_display="Unser Grund"),
    )
    result = place.run("--log", str(place.path))
    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines()] == [
        "rule version shown accepted overridden no answer not in log reasons".split(),
        "heavy-patient 0.9.0 1 0 1 0 0 Unser Grund 1".split(),
        "heavy-patient 1.0.0 5 1 3 1 0 declined 2; no reason given 1".split(),
    ]


def test_without_a_log_what_was_shown_is_not_known(place: Place):
    place.keep(said(card(0), "accepted"))
    assert "Without the decision log (--log) nobody knows which cards were shown" in " ".join(
        place.run().output.split()
    )
    row = place.report()[HEAVY]
    assert (row["shown"], row["accepted"], row["noAnswer"]) == (None, 1, None)


def test_a_card_counts_once_with_its_latest_outcome(place: Place):
    place.keep(said(card(0), hour=13, reason_code="late"))
    place.keep(said(card(0), "accepted", hour=12), said(card(0), hour=11, reason_code="early"))
    row = place.report()[HEAVY]
    assert (row["accepted"], row["overridden"]) == (0, 1)
    assert row["reasons"] == [{"system": "", "code": "late", "display": "", "cards": 1}]


def test_a_rule_nobody_knows_is_listed_with_what_its_cards_begin_with(place: Place):
    unknown = card(0, ("gone", "1.0.0"))
    place.keep(said(unknown), Entry("not-ours", "", "overridden", NOON))
    assert list(place.report()) == [(UNKNOWN, ""), (UNKNOWN, prefix_of(unknown))]


def test_a_version_that_only_the_log_names_is_known(place: Place):
    place.log((card(0, OLD), [OLD]))
    place.keep(said(card(1, OLD)))
    row = place.report("--log", str(place.path))[OLD]
    assert (row["shown"], row["overridden"], row["noAnswer"]) == (1, 1, 1)


def test_the_could_not_check_card_counts_for_itself_and_not_for_the_rules_it_is_about(place: Place):
    check = ("could-not-check", "1.2.0")
    place.log((card(0, check), [HEAVY]))
    place.keep(said(card(0, check)))
    assert list(place.report("--log", str(place.path))) == [check]


def test_a_merged_card_counts_for_every_rule_in_it(place: Place):
    place.log((card(0), [HEAVY, ("other", "2.0.0")]))
    place.keep(said(card(0), "accepted"))
    report = place.report("--log", str(place.path))
    assert {pair: (row["shown"], row["accepted"]) for pair, row in report.items()} == {
        HEAVY: (1, 1),
        ("other", "2.0.0"): (1, 1),
    }


def test_the_same_call_logged_twice_shows_its_card_once(place: Place):
    place.log((card(0), [HEAVY]))
    place.log((f"urn:uuid:{card(0).upper()}", [HEAVY]))
    assert place.report("--log", str(place.path), "--log", str(place.path))[HEAVY]["shown"] == 1


def test_a_window_holds_the_cards_shown_in_it_and_answers_to_cards_the_log_lacks(place: Place):
    place.log((card(0), [HEAVY]), time="2026-02-28T23:00:00Z")
    place.log((card(1), [HEAVY]), time=HOUR.format(0))
    place.log((card(2), [HEAVY]), asOf=HOUR.format(23))
    place.log((card(3), [HEAVY]), time="2026-03-02T00:00:00Z")
    place.log((card(4), [HEAVY]))
    place.keep(*(said(card(number)) for number in (0, 1, 3, 4, 5)))
    arguments = ("--log", str(place.path), "--since", "2026-03-01", "--until", "2026-03-01")
    row = place.report(*arguments)[HEAVY]
    assert (row["shown"], row["overridden"], row["noAnswer"]) == (2, 2, 1)


def test_lines_of_the_log_that_cannot_be_read_are_passed_over_and_counted(place: Place):
    lines = ["", "nonsense", "5", '{"cards": 5}', '{"cards": [{}]}', "[" * 100_000, '{"no": "cards"}', "\x00"]
    place.path.write_text("\n".join(lines) + "\n")
    place.log((card(0), [HEAVY]))
    result = place.run("--log", str(place.path), "--format", "json")
    assert json.loads(result.stdout)[0]["shown"] == 1
    assert "could not be read: 6" in result.stderr


def test_comments_come_only_when_asked_for_and_a_terminal_obeys_none_of_them(place: Place):
    place.keep(said(card(0), comment="\x1b[2Jgone\n[red]x", reason_code="declined"))
    assert "gone" not in place.run().output
    text = place.run("--comments").output
    assert "[2Jgone [red]x" in text
    assert "\x1b" not in text
    (told,) = place.report("--comments")[HEAVY]["comments"]
    assert told["comment"] == "\x1b[2Jgone\n[red]x"
    assert (told["outcome"], told["reason"]) == ("overridden", "declined")


def test_csv_is_for_spreadsheets_which_run_none_of_it(place: Place):
    place.keep(said(card(0), comment='=HYPERLINK("http://x")', reason_code="-1+1"))
    (row,) = csv.DictReader(io.StringIO(place.run("--format", "csv").output))
    assert (row["rule"], row["shown"], row["overridden"]) == ("heavy-patient", "not known", "1")
    (row,) = csv.DictReader(io.StringIO(place.run("--format", "csv", "--comments").output))
    assert (row["comment"], row["reason"]) == ('\'=HYPERLINK("http://x")', "'-1+1")


def test_nothing_kept_is_said(place: Place):
    assert "No feedback" in place.run().output


@pytest.mark.parametrize(
    ("arguments", "url", "said"),
    [
        (["--since", "soon"], "", "--since"),
        (["--until", "2026-13-01"], "", "--until"),
        (["--until", "2026-03-01T12:00:00"], "", "--until"),
        (["--log", "nowhere.jsonl"], "", "nowhere.jsonl"),
        ([], "sqlite:///nowhere/cds.sqlite3", "CDS_DATABASE_URL"),
        ([], "mysql://host/x", "CDS_DATABASE_URL"),
    ],
)
def test_wrong_use_is_exit_2_with_a_way_out(place: Place, arguments: list[str], url: str, said: str):
    place.keep(Entry("c", "", "accepted", NOON, ("s",)))
    result = place.run(*arguments, CDS_DATABASE_URL=url or place.url)
    assert result.exit_code == 2
    assert said in result.output
    assert "try" in result.output or "run this" in result.output


def test_a_database_that_cannot_be_used_is_exit_1(place: Place, tmp_path: Path):
    (tmp_path / "text").write_text("no database, " * 100)
    assert place.run(CDS_DATABASE_URL=f"sqlite:///{tmp_path}/text").exit_code == 1


# --- several clients and services ---------------------------------------------------------------

CITY, LAKE = Channel("city", "", "s"), Channel("lake", "", "s")
EAST, WEST = Channel("city", "east", "s"), Channel("city", "west", "s")
SIGN = Channel("city", "", "sign")


def counted(row: dict[str, Any]) -> tuple[int | None, ...]:
    return tuple(row[name] for name in ("shown", "accepted", "overridden", "noAnswer", "notInLog"))


@pytest.mark.parametrize(("mine", "other"), [(CITY, LAKE), (EAST, WEST), (EAST, CITY), (CITY, SIGN)])
def test_nobody_can_change_what_another_client_tenant_or_service_said_of_a_card(
    place: Place, mine: Channel, other: Channel
):
    place.keep(said(card(0), "accepted"), channel=mine)
    place.keep(said(card(0), hour=13, reason_code="not mine"), channel=other)
    row = place.report()[HEAVY]
    assert (row["accepted"], row["overridden"]) == (1, 1)
    place.log((card(0), [HEAVY]), **mine._asdict())
    assert counted(place.report("--log", str(place.path))[HEAVY]) == (1, 1, 1, 0, 1)


def test_clients_tenants_and_services_are_told_apart_when_asked_for(place: Place):
    for channel in (EAST, WEST, LAKE, SIGN):
        place.log((card(0), [HEAVY]), (card(1), [HEAVY]), **channel._asdict())
        place.keep(said(card(0), comment=f"from {channel.client}"), channel=channel)
    log = ("--log", str(place.path))

    def rows(*by: str) -> list[tuple[Any, ...]]:
        told = json.loads(place.run("--format", "json", *log, *by).stdout)
        names = [name for name in ("client", "tenant", "service") if name in told[0]]
        return [(*(row[name] for name in names), row["shown"], row["noAnswer"]) for row in told]

    assert rows() == [(8, 4)]
    assert "--by client and --by service tell them apart" in " ".join(place.run(*log).output.split())
    assert rows("--by", "client") == [
        ("city", "", 2, 1),
        ("city", "east", 2, 1),
        ("city", "west", 2, 1),
        ("lake", "", 2, 1),
    ]
    assert rows("--by", "service") == [("s", 6, 3), ("sign", 2, 1)]
    assert len(rows("--by", "service", "--by", "client")) == 4
    text = place.run(*log, "--by", "client", "--comments").output.splitlines()
    assert text[0].split()[:4] == ["rule", "version", "client", "tenant"]
    assert text[1].split()[:5] == [*HEAVY, "city", "-", "2"]
    (first, *_) = csv.DictReader(io.StringIO(place.run("--by", "client", "--format", "csv").output))
    assert (first["client"], first["tenant"], first["overridden"]) == ("city", "-", "1")


def test_a_tenant_that_the_log_masks_is_that_of_no_list_and_the_client_stands_alone(place: Place):
    place.log((card(0), [HEAVY]), client="city", tenant="0123456789abcdef", masked=["tenant"])
    place.keep(said(card(0)), channel=CITY)
    assert counted(place.report("--log", str(place.path))[HEAVY]) == (1, 0, 1, 0, 0)


def test_what_was_kept_before_tenants_were_still_belongs_to_its_card(place: Place):
    place.log((card(0), [HEAVY]), **EAST._asdict())
    place.keep(said(card(0)), channel=CITY)
    assert counted(place.report("--log", str(place.path))[HEAVY]) == (1, 0, 1, 0, 0)


def test_a_report_says_what_its_odd_rows_mean_and_nothing_where_there_are_none(place: Place):
    log = ("--log", str(place.path))
    place.log((card(0), [HEAVY]))
    place.keep(said(card(0)))
    assert len(place.run(*log).output.splitlines()) == 2
    assert "No comments." in place.run(*log, "--comments").output
    place.keep(said(card(1)), said(card(0, ("gone", "1.0.0"))))
    text = " ".join(place.run(*log).output.split())
    assert "not in log: cards that were answered, and that the log does not have" in text
    assert "unknown rule: version has the digits its cards begin with" in text


ENTRIES = st.lists(
    st.builds(
        said, st.integers(0, 5).map(card), st.sampled_from(["accepted", "overridden"]), st.integers(0, 23)
    )
)


@given(entries=ENTRIES, shown=st.lists(st.integers(0, 5)))
def test_every_card_shown_or_answered_is_counted_exactly_once(entries: list[Entry], shown: list[int]):
    entries.sort(key=lambda entry: entry.outcome_time)
    log = [ShownCard(card(number), (HEAVY,), None) for number in shown]
    answered, seen = {entry.card for entry in entries}, {one.uuid for one in log}
    counts = tally([Said(Channel(), entry) for entry in entries], log, {}, Window())
    assert sum(one.accepted + one.overridden for one in counts) == len(answered)
    assert sum(one.shown or 0 for one in counts) == len(seen)
    assert sum(one.no_answer or 0 for one in counts) == len(seen - answered)
    assert sum(one.not_shown or 0 for one in counts) == len(answered - seen)
