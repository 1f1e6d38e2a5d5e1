"""Streams of the audit log of an enterprise."""

from exporter.simulator.api.http_types import Answer, Request
from exporter.simulator.company import audit_log_streams


def streams(request: Request) -> Answer:
    """Every stream; there are no pages."""
    return Answer(audit_log_streams.streams(request.enterprise().slug, request.at))
