"""The script that changes alert rules to test their tests."""

import pytest

from scripts.mutate_alerts import changes, chosen, mutants


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("        for: 30m", ["        for: 15m", "        for: 60m"]),
        ("  max by (a) (b) >= 1", [" > 1", " < 1", ">= 0.9", ">= 1.1", "sum by (a)"]),
        ('  x{state!="offline"} unless y', ['state="offline"', " and y"]),
        ("          summary: none", []),
    ],
)
def test_each_mutant_changes_one_thing(line: str, changed: list[str]) -> None:
    """One thing at a time is changed."""
    found = list(changes(line))
    assert len(found) == len(changed)
    assert all(sum(part in text for text in found) == 1 for part in changed)
    assert line not in found


def test_only_expressions_change() -> None:
    """Texts for people, severities and names stay."""
    everything = list(mutants())
    assert {mutant.file.name for mutant in everything} >= {"recording.yaml", "spend.yaml", "runners.yaml"}
    assert not [mutant for mutant in everything if "_url:" in mutant.text or "severity:" in mutant.text]
    assert not [mutant for mutant in everything if "{{" in mutant.text]


def test_a_sample_is_always_the_same() -> None:
    """The same changes are tried each time, so that a build does not fail by chance."""
    everything = list(mutants())
    sample = chosen(everything, "", 10)
    assert len(set(sample)) == 10
    assert sample == chosen(everything, "", 10)
    assert {mutant.rule for mutant in chosen(everything, "GitHubSeatsForecast", 0)} == {"GitHubSeatsForecast"}
