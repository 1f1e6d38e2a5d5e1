"""nginx over a folder of its own: how fast the same bytes can leave this machine at all."""

import gzip
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import STOP_SECONDS, free_port, wait_until

CONFIGURATION = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000; default_type text/plain;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {folder}; gzip_static on; gzip_vary on; }}
}}
"""


def program() -> str | None:
    """Where nginx is, if anywhere."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx(plain: bytes, compressed: bytes) -> Iterator[str]:
    """Serve *plain* and, to clients that take it, *compressed*, from disk; yield the URL."""
    found = program()
    if found is None:
        raise FileNotFoundError("no nginx: on Debian and Ubuntu, apt install nginx-light")
    if gzip.decompress(compressed)[:100] != plain[:100]:
        raise ValueError("these are not the same bytes")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "metrics").write_bytes(plain)
        (folder / "metrics.gz").write_bytes(compressed)
        (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port), "ascii")
        command = [found, "-p", name, "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        process = subprocess.Popen(command)
        try:
            wait_until(lambda: listens(port), STOP_SECONDS)
            yield f"http://127.0.0.1:{port}/metrics"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def listens(port: int) -> bool:
    """Whether somebody listens at *port*."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
