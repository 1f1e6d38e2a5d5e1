"""Regular expressions from the configuration, matched against names that anybody may choose.

Python's engine tries every way in which repetitions can share a text: `(a+)+$` takes longer than the age of the
universe for sixty letters. What can do so is refused when the configuration is read.
"""

import re
from collections.abc import Iterator

MAX_LENGTH = 200
MAX_VARIABLE = 10
"""Parts that can match in several ways: optional ones, alternatives, repetitions."""
MAX_UNBOUNDED = 3
"""Repetitions without a small bound; each multiplies the work by the length of the text."""
SMALL = 16

_TOKEN = re.compile(
    r"(?P<reference>\\[0-9])|(?P<escape>\\.)|(?P<characters>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<open>\((?:\?:|\?P<\w+>|(?!\?)))|(?P<extension>\(\?)|(?P<close>\))|(?P<alternative>\|)"
    r"|(?P<quantifier>(?:[*+?]|\{(?!\})[0-9]*,?[0-9]*\})[?+]?)|(?P<character>.)",
    re.DOTALL,
)


def bounded_pattern(text: str) -> re.Pattern[str]:
    """Compile *text*, which must have a group.

    Raises:
        ValueError: it is no regular expression, has no group, or might run for ever; the message follows a name.
    """
    try:
        compiled = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is no regular expression: {error}") from None
    if not compiled.groups:
        raise ValueError("has no group, such as (.+), for the part of the name that is the label")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    spans = [high - low for low, high in _variable_parts(text)]
    if len(spans) > MAX_VARIABLE or sum(span > SMALL for span in spans) > MAX_UNBOUNDED:
        raise ValueError(
            f"may run for ever: at most {MAX_UNBOUNDED} repetitions without bound, and {MAX_VARIABLE} parts that vary"
        )
    return compiled


def _variable_parts(text: str) -> Iterator[tuple[float, float]]:
    """How often each part that varies may be there; alternatives count as an optional part."""
    varies = [False]  # for each group that is open, whether something in it varies
    repeats_what_varies = False  # whether a quantifier here would be that of a group in which something varies
    for token in _TOKEN.finditer(text):
        kind, is_end_of_variable = token.lastgroup, False
        if kind in {"reference", "extension"}:
            raise ValueError("uses more than characters, classes, groups, alternatives and repetitions")
        if kind == "open":
            varies.append(False)
        elif kind == "close":
            is_end_of_variable = varies.pop()
            varies[-1] |= is_end_of_variable
        elif kind == "alternative":
            varies[-1] = True
            yield 0, 1
        elif kind == "quantifier":
            low, high = _bounds(token[0])
            if high > 1 and repeats_what_varies:
                raise ValueError("may run for ever: a part that varies is repeated")
            if low != high:
                varies[-1] = True
                yield low, high
        repeats_what_varies = is_end_of_variable


def _bounds(quantifier: str) -> tuple[float, float]:
    if not quantifier.startswith("{"):
        return {"*": (0, float("inf")), "+": (1, float("inf")), "?": (0, 1)}[quantifier[0]]
    low, comma, high = quantifier[1:].partition("}")[0].partition(",")
    minimum = float(low or 0)
    return minimum, (float(high or "inf") if comma else minimum)
