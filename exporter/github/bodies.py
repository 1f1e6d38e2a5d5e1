"""Read a body as it arrives, within bounds."""

from collections.abc import Callable
from typing import Protocol

from exporter.errors import TooLarge
from exporter.github.endpoint import Endpoint
from exporter.github.run import ClientLimits

REFUSAL_BYTES = 65_536
"""No more of a refusal is read."""
CHUNK_BYTES = 16_384
"""Small, because one compressed chunk may unpack to a thousand times its size."""


class BodyStream(Protocol):
    """What a body is read from: returns what has arrived, at most *amt* bytes."""

    def read1(self, amt: int, decode_content: bool) -> bytes:  # noqa: FBT001 - urllib3's own
        """The next bytes; none at the end."""
        ...


def read(
    body: BodyStream, limits: ClientLimits, endpoint: Endpoint, check_deadline: Callable[[], None], *, refused: bool
) -> bytes:
    """Read *body* to its end; of a *refused* request only the beginning. *check_deadline* raises after it.

    Raises:
        TooLarge: it is larger than `limits` or the endpoint allow.
    """
    max_bytes = min(limits.max_response_bytes, endpoint.max_bytes or limits.max_response_bytes)
    # read1 returns what has arrived; iter_content waits for a whole chunk of a slow body, past any deadline.
    chunks = bytearray()
    while chunk := body.read1(CHUNK_BYTES, decode_content=True):
        chunks += chunk
        if refused and len(chunks) > REFUSAL_BYTES:
            break
        if len(chunks) > max_bytes:
            setting = "limits.max_response_megabytes" if max_bytes == limits.max_response_bytes else "is read of it"
            raise TooLarge(f"{endpoint}: larger than {setting} ({max_bytes // 1_000_000})")
        check_deadline()
    return bytes(chunks)
