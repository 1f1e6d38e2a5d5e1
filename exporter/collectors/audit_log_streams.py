"""Where the audit log is streamed to, and whether it arrives there: what is not delivered is lost after some days."""

from collections.abc import Iterator

from exporter.collector import Collector, Target
from exporter.collectors.common.labels import snake_case
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Flag, Record, ShortText, Timestamp
from exporter.github.reader import GitHub
from exporter.metrics.metric import Sample, gauge

STREAMS = Endpoint("/enterprises/{enterprise}/audit-log/streams", "admin:enterprise", "enterprise_administration")
MIN_INTERVAL = 900.0
"""GitHub answers 15 requests an hour here; one that fails is tried three times."""

STREAM = ("stream_id", "type")
ENABLED = gauge("ghe_audit_log_stream_enabled", "Whether the stream of the audit log is enabled.", *STREAM)
PAUSED = gauge(
    "ghe_audit_log_stream_paused_timestamp_seconds",
    "When the stream of the audit log was paused; absent while it is not.",
    *STREAM,
)


class Stream(Record):
    """A stream; its details may say where it leads to and are never read."""

    id: ShortText = ""
    stream_type: ShortText = ""
    enabled: Flag = None
    paused_at: Timestamp = None


def fetch(github: GitHub, _target: Target) -> list[Stream]:
    """Read the streams, each once."""
    answer = github.get(STREAMS)
    if not isinstance(answer, list):
        raise PayloadError(f"GET {STREAMS.path}: not a list")
    streams = github.records(Stream, answer)
    return list({(stream.id, snake_case(stream.stream_type)): stream for stream in streams}.values())


def samples(_target: Target, streams: list[Stream]) -> Iterator[Sample]:
    """Map the streams."""
    for stream in streams:
        labels = stream.id, snake_case(stream.stream_type)
        yield ENABLED(stream.enabled, *labels)
        yield PAUSED(stream.paused_at, *labels)


COLLECTOR = Collector(
    name="audit_log_streams",
    help="Streams of the audit log, and whether they are enabled or paused.",
    metrics=(ENABLED, PAUSED),
    endpoints=(STREAMS,),
    interval=3600,
    min_interval=MIN_INTERVAL,
    fetch=fetch,
    samples=samples,
)
