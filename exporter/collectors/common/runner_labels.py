"""Runners by label: how many could serve a job that asks for it. Bounded, whatever labels there are."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from exporter.collectors.common.labels import OTHER
from exporter.github.models import Runner, RunnerLabel
from exporter.metrics.metric import Sample, gauge

LABEL_RUNNERS = gauge(
    "ghe_runner_label_runners",
    "Self-hosted runners by label, each under all of its labels; a job needs one that has all it asks for.",
    "organization",
    "label",
    "state",
)
LABEL_EPHEMERAL = gauge(
    "ghe_runner_label_ephemeral_runners",
    "Runners with the label that take one job only, dead registrations included.",
    "organization",
    "label",
)
LABEL_EXPECTED = gauge(
    "ghe_runner_label_expected",
    "Whether the settings expect a runner with the label, for the labels that are counted at the enterprise's level.",
    "label",
)

MAX_NAME = 100
"""Characters of a runner's name that are looked at; GitHub allows 64."""
READ_ONLY = frozenset({"self-hosted", "linux", "windows", "macos", "x86", "x64", "arm", "arm64"})
"""Labels that GitHub gives by itself; old servers do not report which those are."""

Labels = Literal["custom", "all", "none"]


class LabelChoice(NamedTuple):
    """Which labels are counted.

    Attributes:
        kind: those that people chose, all, or none.
        from_name: whose first group finds one more label in a runner's name.
        expected: labels that are counted in any case, in lower case.
    """

    kind: Labels
    from_name: re.Pattern[str] | None
    expected: frozenset[str]

    def of(self, runner: Runner) -> frozenset[str]:
        """The labels under which *runner* counts. GitHub matches them in any case."""
        own = {label.name for label in runner.labels if self._counts(label)}
        found = self.from_name.search(runner.name[:MAX_NAME]) if self.from_name else None
        label = found[1].lower() if found and found[1] else ""
        if label and (self.kind != "none" or label in self.expected):
            own.add(label)
        return frozenset(own)

    def _counts(self, label: RunnerLabel) -> bool:
        if label.name in self.expected or self.kind == "all":
            return True
        is_custom = label.name not in READ_ONLY if label.is_custom is None else label.is_custom
        return self.kind == "custom" and is_custom


def label_samples(
    organization: str,
    runners: Iterable[tuple[Runner, str]],
    choice: LabelChoice,
    max_labels: int,
    states: Sequence[str],
) -> Iterator[Sample]:
    """Map *runners*, each with its state: all *states* of every label, those with the fewest runners as one.

    Where a label is expected, 0 is true also if no runner has it: the list is complete.
    """
    labelled = [(choice.of(runner), runner, state) for runner, state in runners]
    sizes = Counter(label for labels, _, _ in labelled for label in labels)
    ranked = sorted(
        (label for label in sizes if label not in choice.expected), key=lambda label: (-sizes[label], label)
    )
    own = frozenset(ranked[:max_labels]) | choice.expected
    counts: Counter[tuple[str, str]] = Counter()
    ephemeral = Counter(dict.fromkeys(choice.expected if not organization else (), 0))
    for labels, runner, state in labelled:
        for label in {label if label in own else OTHER for label in labels}:
            counts[label, state] += 1
            ephemeral[label] += runner.ephemeral is True
    for label in sorted(ephemeral):
        for state in states:
            yield LABEL_RUNNERS(counts[label, state], organization, label, state)
        yield LABEL_EPHEMERAL(ephemeral[label], organization, label)
        if not organization:
            yield LABEL_EXPECTED(label in choice.expected, label)
