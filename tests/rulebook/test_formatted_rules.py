"""Any valid rule, however it was typed, means the same in its canonical form, and has only one."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from test_rule_round_trip import rules

from cds_service.authoring.fmt.order import RULE
from cds_service.authoring.fmt.text import formatted, same
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.yamlfile import parse_yaml

PATH = Path("raised-pressure.yaml")


def typed(body: dict[str, Any], width: int, more: int) -> str:
    """The rule as a YAML writer with other habits types it."""
    yaml = YAML()
    yaml.representer.ignore_aliases = lambda _value: True
    yaml.width = width
    yaml.indent(mapping=2 + more, sequence=2 + more, offset=more)
    stream = StringIO()
    yaml.dump(body, stream)
    return stream.getvalue()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(rules(), st.permutations(RULE.keys), st.sampled_from([40, 80, 400]), st.integers(0, 2))
def test_any_rule_means_the_same_in_its_one_canonical_form(
    body: dict[str, Any], keys: list[str], width: int, more: int
) -> None:
    text = typed({key: body[key] for key in keys}, width, more)
    read = parse_yaml(text, "x.yaml")
    assume(not read.problems and same(read.data, body))  # the writer itself loses a space now and then
    assume(not any(line.endswith(" ") for line in text.splitlines()))  # such a text is refused, not changed
    told = formatted(text, PATH)
    data = parse_yaml(told, "x.yaml").data
    assert same(data, body)
    assert list(data) == list(RULE.keys)
    assert formatted(told, PATH) == told
    assert Rule.model_validate(data) == Rule.model_validate(body)
