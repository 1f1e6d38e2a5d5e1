"""Samples to bytes, and the bytes that scrapes get."""

import gzip
import re
import threading
import zlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.github.endpoint import Endpoint
from exporter.github.rate_limit import RateLimitWindow
from exporter.metrics.exposition import (
    MAX_PIECE_BYTES,
    MIN_CHUNK_BYTES,
    Chunk,
    Exposition,
    Page,
    render,
    reuse_unchanged,
)
from exporter.metrics.lines import escape, format_value
from exporter.metrics.metric import Distribution, Metric, Value, counter, gauge, histogram
from exporter.runtime.status import StatusBoard
from exporter.telemetry.telemetry import Telemetry

SEATS = gauge("ghe_seats", "Seats.")
RUNNERS = gauge("ghe_runners", "Runners by name.", "name")
GROUPS = gauge("ghe_groups", "Groups.", "name", "visibility")
JOBS = counter("ghe_jobs_total", "Jobs.", "name")
WAIT = histogram("ghe_wait_seconds", "Time to wait.", "name", buckets=(0.5, 5))
ENDPOINT = Endpoint("/enterprises/{enterprise}/consumed-licenses", "read:enterprise")
SHORTEST_FORM = re.compile(r"-?\d+(\.\d*[1-9])?(e[-+]\d+)?")
COLLECTORS = {"licenses": (SEATS,), "runners": (RUNNERS, GROUPS)}
Parsed = dict[str, list[tuple[str, dict[str, str], float]]]


def lines(enterprise: str, samples: Mapping[Metric, Mapping[tuple[str, ...], Value]]) -> dict[str, bytes]:
    """Render *samples* as a collection publishes them."""
    return {name: family.text for name, family in render(enterprise, samples).items()}


def body(page: Page, tail: bytes = b"") -> bytes:
    """Join the plain body."""
    return b"".join(page.plain((Chunk(tail),)))


def parsed(text: bytes, *, openmetrics: bool = False) -> Parsed:
    """Read an exposition with a parser of prometheus_client."""
    families = list((parse_openmetrics if openmetrics else parse_text)(text.decode()))
    assert len({family.name for family in families}) == len(families)
    return {family.name: [(item.name, item.labels, item.value) for item in family.samples] for family in families}


@pytest.fixture
def exposition() -> Exposition:
    """An exposition of two collectors, empty."""
    return Exposition(COLLECTORS)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (-0.0, "0"),
        (7.0, "7"),
        (-3, "-3"),
        (True, "1"),
        (False, "0"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (2**53 - 1, "9007199254740991"),
        (2.0**53, "9007199254740992.0"),
        (1e300, "1e+300"),
        (5e-324, "5e-324"),
        (1767225600.25, "1767225600.25"),
    ],
)
def test_value_is_written_in_its_shortest_exact_form(value: float, written: str) -> None:
    """Whole numbers have no fraction, and others are as short as reads back equal."""
    assert format_value(value) == written
    assert float(written) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", ""),
        ("plain", "plain"),
        ('say "hi"', 'say \\"hi\\"'),
        ("C:\\temp", "C:\\\\temp"),
        ("two\nlines", "two\\nlines"),
        ("\\n", "\\\\n"),
        ('\\"\n', '\\\\\\"\\n'),
        ("tab\tand\rreturn", "tab\tand\rreturn"),
        ("größe 🐙", "größe 🐙"),
        ("100%s {x} %(y)s", "100%s {x} %(y)s"),
    ],
)
def test_label_value_is_escaped_for_both_formats(value: str, written: str) -> None:
    """Backslash, quote and newline are escaped and nothing else is."""
    assert escape(value) == written
    rendered = render("acme", {RUNNERS: {(value,): 1}})[RUNNERS.name]
    assert rendered.text == f'ghe_runners{{enterprise="acme",name="{written}"}} 1\n'.encode()


@pytest.mark.parametrize("enterprise", ["acme", "100%", "%s", "%%s", "{0}", 'a"b'])
def test_enterprise_is_escaped_like_other_label_values(enterprise: str) -> None:
    """Whatever an enterprise is called reads back as its label."""
    text = lines(enterprise, {RUNNERS: {("a",): 1}})[RUNNERS.name]
    assert parsed(text)["ghe_runners"] == [("ghe_runners", {"enterprise": enterprise, "name": "a"}, 1)]


def test_rendered_series_are_sorted() -> None:
    """Series come in the order of their labels, whatever order they were found in."""
    family = render("acme", {GROUPS: {("b", "all"): 2, ("a", "selected"): 1.5, ("a", "all"): 0}})[GROUPS.name]
    assert family.text == (
        b'ghe_groups{enterprise="acme",name="a",visibility="all"} 0\n'
        b'ghe_groups{enterprise="acme",name="a",visibility="selected"} 1.5\n'
        b'ghe_groups{enterprise="acme",name="b",visibility="all"} 2\n'
    )
    assert family.series == 3


def test_family_without_samples_is_not_rendered() -> None:
    """A family without a sample is not rendered at all."""
    assert render("acme", {SEATS: {}, RUNNERS: {}}) == {}


def test_page_is_empty_before_anything_is_published(exposition: Exposition) -> None:
    """Before the first result the page is the tail alone, also as gzip."""
    assert body(exposition.page()) == b""
    assert gzip.decompress(b"".join(exposition.page().gzipped((Chunk(b"# EOF\n"),)))) == b"# EOF\n"


def test_page_contains_published_families_in_declared_order(exposition: Exposition) -> None:
    """Families come in declared order, contiguous over all enterprises, which are sorted."""
    exposition.publish("runners", "globex", lines("globex", {GROUPS: {("a", "all"): 1}, RUNNERS: {("x",): 1}}))
    exposition.publish("runners", "acme", lines("acme", {RUNNERS: {("y",): 0}}))
    exposition.publish("licenses", "globex", lines("globex", {SEATS: {(): 12}}))
    assert body(exposition.page(), b"tail\n") == (
        b"# HELP ghe_seats Seats.\n"
        b"# TYPE ghe_seats gauge\n"
        b'ghe_seats{enterprise="globex"} 12\n'
        b"# HELP ghe_runners Runners by name.\n"
        b"# TYPE ghe_runners gauge\n"
        b'ghe_runners{enterprise="acme",name="y"} 0\n'
        b'ghe_runners{enterprise="globex",name="x"} 1\n'
        b"# HELP ghe_groups Groups.\n"
        b"# TYPE ghe_groups gauge\n"
        b'ghe_groups{enterprise="globex",name="a",visibility="all"} 1\n'
        b"tail\n"
    )


def test_new_result_replaces_the_old_one_whole(exposition: Exposition) -> None:
    """A new result takes the place of the old one, families that it lacks included."""
    exposition.publish("runners", "acme", lines("acme", {RUNNERS: {("a",): 1}, GROUPS: {("g", "all"): 1}}))
    exposition.publish("runners", "acme", lines("acme", {RUNNERS: {("b",): 1}}))
    assert parsed(body(exposition.page())) == {"ghe_runners": [("ghe_runners", {"enterprise": "acme", "name": "b"}, 1)]}


def test_empty_result_removes_the_series(exposition: Exposition) -> None:
    """An empty result takes the enterprise out, and the last one takes HELP and TYPE with it."""
    exposition.publish("licenses", "acme", lines("acme", {SEATS: {(): 1}}))
    exposition.publish("licenses", "globex", lines("globex", {SEATS: {(): 2}}))
    exposition.publish("licenses", "acme", {})
    assert parsed(body(exposition.page()))["ghe_seats"] == [("ghe_seats", {"enterprise": "globex"}, 2)]
    exposition.publish("licenses", "globex", {})
    exposition.publish("licenses", "globex", {})
    assert body(exposition.page()) == b""


def test_filtered_page_contains_only_those_collectors(exposition: Exposition) -> None:
    """A page can hold chosen collectors only, and its gzip trailer fits them."""
    exposition.publish("licenses", "acme", lines("acme", {SEATS: {(): 1}}))
    exposition.publish("runners", "acme", lines("acme", {RUNNERS: {("a",): 1}}))
    page = exposition.page(frozenset({"runners"}))
    assert set(parsed(body(page))) == {"ghe_runners"}
    assert gzip.decompress(b"".join(page.gzipped((Chunk(b"t"),)))) == body(page, b"t")
    assert body(exposition.page(frozenset({"licenses", "runners"}))) == body(exposition.page())


def test_page_in_use_does_not_change_when_published_again(exposition: Exposition) -> None:
    """A scrape that has begun goes on with what it has, whatever is published meanwhile."""
    exposition.publish("licenses", "acme", lines("acme", {SEATS: {(): 1}}))
    page, before = exposition.page(), body(exposition.page())
    exposition.publish("licenses", "acme", lines("acme", {SEATS: {(): 2}}))
    assert body(page) == before != body(exposition.page())


@pytest.mark.parametrize("length", [1, 100, 3 * MAX_PIECE_BYTES + 1])
def test_gzip_body_is_a_single_member(length: int) -> None:
    """Pieces deflated apart make one gzip member with the right sum and size, as zlib and gzip read it."""
    text = bytes(index % 251 for index in range(length))
    page = Page.of([Chunk(text), Chunk(b""), Chunk(b"middle\n")])
    stream, whole = b"".join(page.gzipped((Chunk(b"tail\n"),))), text + b"middle\n" + b"tail\n"
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(stream) == whole
    assert reader.eof
    assert reader.unused_data == b""
    assert gzip.decompress(stream) == whole
    assert stream[-8:] == zlib.crc32(whole).to_bytes(4, "little") + len(whole).to_bytes(4, "little")


def test_long_body_is_split() -> None:
    """No piece of a long body is longer than the server should copy at once."""
    noise = b"".join(zlib.crc32(index.to_bytes(4)).to_bytes(4) for index in range(MAX_PIECE_BYTES))
    page = Page.of([Chunk(noise[start : start + MAX_PIECE_BYTES]) for start in range(0, len(noise), MAX_PIECE_BYTES)])
    for pieces in (page.plain((Chunk(b"tail"),)), page.gzipped((Chunk(b"tail"),))):
        assert len(pieces) > 4
        assert max(map(len, pieces)) <= MAX_PIECE_BYTES
    assert body(page, b"tail") == noise + b"tail"
    assert gzip.decompress(b"".join(page.gzipped((Chunk(b"tail"),)))) == noise + b"tail"


@pytest.mark.parametrize("openmetrics", [False, True])
def test_whole_page_is_valid_in_both_formats(exposition: Exposition, *, openmetrics: bool) -> None:
    """With the exporter's own metrics behind it the page is valid in both formats."""
    exposition.publish("licenses", "acme", lines("acme", {SEATS: {(): 0.5}}))
    exposition.publish("runners", "globex", lines("globex", {RUNNERS: {('a\\"b\nc',): 1}, GROUPS: {("g", "x"): -1}}))
    own = Telemetry(StatusBoard(), version="1", revision="r").render(openmetrics=openmetrics)
    text = body(exposition.page(), own)
    found = parsed(text, openmetrics=openmetrics)
    assert found["ghe_seats"] == [("ghe_seats", {"enterprise": "acme"}, 0.5)]
    assert found["ghe_runners"] == [("ghe_runners", {"enterprise": "globex", "name": 'a\\"b\nc'}, 1)]
    assert "ghe_exporter_build_info" in found
    assert text.endswith(b"# EOF\n") is openmetrics
    assert text.count(b"# EOF") == openmetrics


@pytest.mark.parametrize("openmetrics", [False, True])
def test_every_line_has_the_same_label_order_and_number_format(exposition: Exposition, *, openmetrics: bool) -> None:
    """Collectors, the exporter and the process write alike: the enterprise first, whole numbers without a fraction."""
    exposition.publish("runners", "acme", lines("acme", {RUNNERS: {("linux",): 3}}))
    telemetry = Telemetry(StatusBoard(), version="1", revision="r")
    telemetry.observer("acme").attempted(ENDPOINT, "200", 2)
    telemetry.observer("acme").rate_limit("auth", RateLimitWindow("core", 5000, 4999, 1_798_952_925))
    text = body(exposition.page(), telemetry.render(openmetrics=openmetrics)).decode()
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert "process_" in text
    assert [line for line in samples if 'enterprise="' in line and '{enterprise="' not in line] == []
    values = [line.rpartition(" ")[2] for line in samples]
    assert [value for value in values if not SHORTEST_FORM.fullmatch(value)] == []


def test_histogram_is_rendered_with_cumulative_buckets() -> None:
    """Buckets count what is at most their bound, in its order, before count and sum; each line is a series."""
    family = render("acme", {WAIT: {("b",): Distribution([0, 0, 1], 7.5), ("a",): Distribution([2, 1, 0], 1.5)}})
    assert family[WAIT.name].text.decode() == (
        'ghe_wait_seconds_bucket{enterprise="acme",name="a",le="0.5"} 2\n'
        'ghe_wait_seconds_bucket{enterprise="acme",name="a",le="5.0"} 3\n'
        'ghe_wait_seconds_bucket{enterprise="acme",name="a",le="+Inf"} 3\n'
        'ghe_wait_seconds_count{enterprise="acme",name="a"} 3\n'
        'ghe_wait_seconds_sum{enterprise="acme",name="a"} 1.5\n'
        'ghe_wait_seconds_bucket{enterprise="acme",name="b",le="0.5"} 0\n'
        'ghe_wait_seconds_bucket{enterprise="acme",name="b",le="5.0"} 0\n'
        'ghe_wait_seconds_bucket{enterprise="acme",name="b",le="+Inf"} 1\n'
        'ghe_wait_seconds_count{enterprise="acme",name="b"} 1\n'
        'ghe_wait_seconds_sum{enterprise="acme",name="b"} 7.5\n'
    )
    assert family[WAIT.name].series == 10


@pytest.mark.parametrize("openmetrics", [False, True])
def test_counters_and_histograms_are_valid_in_both_formats(*, openmetrics: bool) -> None:
    """OpenMetrics names the family of a counter without its suffix, the text format with it; also when filtered."""
    exposition = Exposition({"jobs": (JOBS, WAIT), **COLLECTORS})
    exposition.publish("licenses", "acme", lines("acme", {SEATS: {(): 1}}))
    assert exposition.page(openmetrics=True) is exposition.page()
    waited: dict[tuple[str, ...], Value] = {("a",): Distribution([1, 0, 1], 9)}
    exposition.publish("jobs", "acme", lines("acme", {JOBS: {("a",): 3}, WAIT: waited}))
    for wanted in (None, frozenset({"jobs"})):
        page = exposition.page(wanted, openmetrics=openmetrics)
        text = body(page, b"# EOF\n" if openmetrics else b"")
        assert gzip.decompress(b"".join(page.gzipped(()))) == body(page)
        assert f"# TYPE ghe_jobs{'' if openmetrics else '_total'} counter\n".encode() in text
        found = parsed(text, openmetrics=openmetrics)
        assert found["ghe_jobs"] == [("ghe_jobs_total", {"enterprise": "acme", "name": "a"}, 3)]
        assert [(labels.get("le"), value) for _, labels, value in found["ghe_wait_seconds"]] == [
            *(("0.5", 1), ("5.0", 1), ("+Inf", 2)),
            *((None, 2), (None, 9)),
        ]
    exposition.publish("jobs", "acme", {})
    assert exposition.page(openmetrics=True) is exposition.page()


@given(
    st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=5, unique=True),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_labels_and_values_parse_back_equal(labels: list[tuple[str, str]], value: float) -> None:
    """Any label values and any finite value come back from both parsers as they went in."""
    exposition = Exposition(COLLECTORS)
    exposition.publish("runners", "acme", lines("acme", {GROUPS: dict.fromkeys(labels, value)}))
    text = body(exposition.page())
    expected = [
        ("ghe_groups", {"enterprise": "acme", "name": name, "visibility": visibility}, value)
        for name, visibility in labels
    ]
    for found in (parsed(text), parsed(text + b"# EOF\n", openmetrics=True)):
        assert found.keys() == {"ghe_groups"}
        assert sorted(found["ghe_groups"], key=str) == sorted(expected, key=str)


@given(st.lists(st.binary(max_size=3_000), max_size=6), st.binary(max_size=100))
def test_any_chunks_join_into_one_gzip_stream(texts: list[bytes], tail: bytes) -> None:
    """Whatever the chunks hold, the gzip stream is the plain body."""
    page = Page.of(map(Chunk, texts))
    assert gzip.decompress(b"".join(page.gzipped((Chunk(tail),)))) == body(page, tail) == b"".join(texts) + tail


def test_unchanged_family_is_not_compressed_again(exposition: Exposition) -> None:
    """Of a new result only the large families that differ are compressed, and nothing of other enterprises."""
    many: dict[tuple[str, ...], Value] = {(f"runner-{number}",): 1.0 for number in range(5_000)}
    for enterprise in ("acme", "globex"):
        exposition.publish("runners", enterprise, lines(enterprise, {RUNNERS: many, GROUPS: {("g", "all"): 1}}))
    before = {id(text) for text in exposition.page().texts if len(text) >= MIN_CHUNK_BYTES}
    exposition.publish("runners", "acme", lines("acme", {RUNNERS: many, GROUPS: {("g", "all"): 2}}))
    assert {id(text) for text in exposition.page().texts if len(text) >= MIN_CHUNK_BYTES} == before
    exposition.publish("runners", "acme", lines("acme", {RUNNERS: many | {("runner-0",): 0}}))
    page = exposition.page()
    after = {id(text) for text in page.texts if len(text) >= MIN_CHUNK_BYTES}
    assert (len(before), len(before & after), len(after)) == (2, 1, 2)
    assert gzip.decompress(b"".join(page.gzipped(()))) == body(page)
    assert body(page).count(b"\n") == 2 + 10_000 + 2 + 1


def test_small_families_are_compressed_together(exposition: Exposition) -> None:
    """Of small families there is one chunk for a collector, whatever number of enterprises it reads."""
    for number in range(20):
        slug = f"acme-{number}"
        exposition.publish("runners", slug, lines(slug, {RUNNERS: {("a",): 1}, GROUPS: {("g", "all"): 1}}))
    assert len(exposition.page().texts) == 1


def test_unchanged_chunk_is_reused() -> None:
    """A text that is as before keeps its chunk; others, fewer or more of them, get their own."""
    before = reuse_unchanged([b"a", b"b", b"c"], ())
    after = reuse_unchanged([b"a", b"x"], before)
    assert [chunk.text for chunk in after] == [b"a", b"x"]
    assert after[0] is before[0]
    longer = reuse_unchanged([b"y", b"x", b"z"], after)
    assert [chunk.text for chunk in longer] == [b"y", b"x", b"z"]
    assert longer[1] is after[1]


def test_scrapes_during_publishing_see_whole_results(exposition: Exposition) -> None:
    """Fifty scrapers beside a publisher see one of its complete results each time, plain and gzipped alike."""
    names = [[f"{generation}-{number}" for number in range(50)] for generation in ("old", "new")]
    results = [lines("acme", {RUNNERS: {(name,): 1 for name in some}}) for some in names]
    exposition.publish("runners", "acme", results[0])
    whole = {body(exposition.page())}
    exposition.publish("runners", "acme", results[1])
    whole.add(body(exposition.page()))
    together, done, seen = threading.Barrier(51), threading.Event(), list[bytes]()

    def publish() -> None:
        together.wait()
        turn = 0
        while not done.is_set():
            exposition.publish("runners", "acme", results[turn % 2])
            turn += 1

    def scrape() -> None:
        together.wait()
        for _ in range(20):
            page = exposition.page()
            seen.extend((body(page), gzip.decompress(b"".join(page.gzipped(())))))
            seen.append(body(exposition.page(frozenset({"runners"}))))

    publisher = threading.Thread(target=publish)
    scrapers = [threading.Thread(target=scrape) for _ in range(50)]
    for thread in (publisher, *scrapers):
        thread.start()
    for thread in scrapers:
        thread.join()
    done.set()
    publisher.join()
    assert len(seen) == 50 * 20 * 3
    assert set(seen) <= whole
