"""Faults in how the JSON is written: pure functions from a body to a damaged one."""

import re
from collections.abc import Callable, Mapping
from itertools import count
from types import MappingProxyType

DEEP = 50_000
LONG = 100_000
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"(?=[,\]}])')
_KEY = re.compile(rb'"(?:[^"\\]|\\.)*":')
_NUMBER = re.compile(rb"(?<=:)-?[0-9]+(?=[,}])")
_COUNT = re.compile(rb'("(?:[^"\\]|\\.)*":)(-?[0-9]+)(?=[,}])')


def invalid_utf8(body: bytes) -> bytes:
    """End every text with bytes that no character begins with."""
    return _TEXT.sub(lambda text: text[0][:-1] + b'\xff\xc3"', body)


def lone_surrogates(body: bytes) -> bytes:
    """End every text with one half of a pair."""
    return _TEXT.sub(lambda text: text[0][:-1] + b'\\ud83d"', body)


def control_characters(body: bytes) -> bytes:
    """End every text with what terminals obey and JSON must escape; a number keeps them apart."""
    numbers = count()
    return _TEXT.sub(lambda text: text[0][:-1] + rb"\u001b[31m\r\u0007\u0000\u202e%d" % next(numbers) + b'"', body)


def long_texts(body: bytes) -> bytes:
    """Make the first texts 100 kB long."""
    return _TEXT.sub(lambda text: text[0][:-1] + b"x" * LONG + b'"', body, count=5)


def duplicate_keys(body: bytes) -> bytes:
    """Say every key twice, null first."""
    return _KEY.sub(lambda key: key[0] + b"null," + key[0], body)


def null_last(body: bytes) -> bytes:
    """Say every whole number twice, null last."""
    return _COUNT.sub(rb"\1\2,\1null", body)


def deep_nesting(body: bytes) -> bytes:
    """Put the whole into so many lists that a parser that calls itself runs out of stack."""
    return b"[" * DEEP + body + b"]" * DEEP


def enormous_numbers(body: bytes) -> bytes:
    """Make every whole number longer than Python reads by default."""
    return _NUMBER.sub(b"9" * 5_000, body)


def wrapped(body: bytes) -> bytes:
    """Answer with a list that holds what was asked for."""
    return b"[" + body + b"]"


TEXTS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "invalid-utf-8": invalid_utf8,
        "lone-surrogates": lone_surrogates,
        "control-characters": control_characters,
        "long-texts": long_texts,
        "duplicate-keys": duplicate_keys,
        "null-last": null_last,
        "deep-nesting": deep_nesting,
        "enormous-numbers": enormous_numbers,
        "wrapped": wrapped,
    }
)
"""What each kind does to a body."""
