"""Build the image of the Dockerfile with buildah, run it as Kubernetes would, and say how big it is.

    python scripts/build_image.py                                      # on the Dockerfile's own base image
    python scripts/build_image.py --debootstrap trixie                 # where no registry can be reached
    python scripts/build_image.py --debootstrap trixie --mirror URL --volume /etc/pip.conf:/etc/pip.conf:ro

Needs root, buildah, and for --debootstrap debootstrap. Everything it makes is in one temporary folder, and gone
afterwards. Exit code 1 and one line if the image does not keep a promise.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

SOURCE = Path(__file__).resolve().parents[1]
IMAGE = "localhost/ghe-exporter"
BASE = "localhost/python-base"
STOP_SECONDS = 10
START_SECONDS = 60


class BrokenPromiseError(Exception):
    """The image is not what it must be."""


def main() -> int:
    """Build, look, run; return the exit code."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="build-image-") as folder:
        try:
            verify(Buildah(Path(folder)), options)
        except BrokenPromiseError as error:
            print(f"build_image: {error}", file=sys.stderr)
            return 1
        except subprocess.CalledProcessError as error:
            print(f"build_image: {error.cmd[0]} ended with {error.returncode}", file=sys.stderr)
            return 1
        except FileNotFoundError as error:
            print(f"build_image: there is no {error.filename}; install buildah and debootstrap", file=sys.stderr)
            return 1
    return 0


def arguments() -> argparse.Namespace:
    """What the person wants."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    base = parser.add_mutually_exclusive_group()
    base.add_argument("--python-image", help="base image instead of the Dockerfile's")
    base.add_argument("--debootstrap", metavar="SUITE", help="make the base image of this suite of Debian")
    parser.add_argument("--mirror", help="for --debootstrap; its own default if not given")
    parser.add_argument("--volume", action="append", default=[], help="mount during the build, as buildah has it")
    return parser.parse_args()


class Buildah:
    """buildah with a storage of its own inside *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # vfs and chroot ask nothing of the kernel, so this works inside a container as well.
        storage = "--storage-driver", "vfs", "--root", str(folder / "root"), "--runroot", str(folder / "run")
        self._command = "buildah", *storage

    def __call__(self, command: str, *rest: str) -> str:
        """Run one command of buildah; return what it prints."""
        environment = os.environ | {"BUILDAH_ISOLATION": "chroot"}
        line = [*self._command, command, *rest]
        return subprocess.run(line, check=True, text=True, stdout=subprocess.PIPE, env=environment).stdout.strip()

    @contextmanager
    def mounted(self, image: str) -> Iterator[Path]:
        """A new container of *image*; where its files are."""
        container = self("from", "--pull-never", image)
        try:
            yield Path(self("mount", container))
        finally:
            self("umount", container)
            self("rm", container)


def verify(buildah: Buildah, options: argparse.Namespace) -> None:
    """Do everything.

    Raises:
        BrokenPromiseError: what does not hold.
    """
    base = options.python_image
    if options.debootstrap:
        base = bootstrapped(buildah, options.debootstrap, options.mirror)
    revision = git("rev-parse", "HEAD")
    settings = [f"REVISION={revision}", f"VERSION={version()}", *([f"PYTHON_IMAGE={base}"] if base else [])]
    volumes = [word for volume in options.volume for word in ("--volume", volume)]
    build = [word for setting in settings for word in ("--build-arg", setting)]
    # Only the format of Docker has a place for HEALTHCHECK.
    buildah("build", "--format", "docker", "--tag", IMAGE, *build, *volumes, str(SOURCE))
    if base == BASE:
        print(f"base    {size(buildah, BASE):6.1f} MB")
    print(f"image   {size(buildah, IMAGE):6.1f} MB")
    image = Image.of(json.loads(buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"])
    image.verify()
    with buildah.mounted(IMAGE) as root:
        runs(root, image, revision, user=image.user, read_only=True)
        before = tree(root)
        # Root could write anywhere: what it leaves alone, nobody writes.
        runs(root, image, revision, user="0:0", read_only=False)
        changed = sorted({name for name, _ in before.items() ^ tree(root).items()})
        promise(not changed, f"the container wrote {', '.join(changed[:9])}")
    print("kept    numeric user, read-only root, nothing written, clean end on SIGTERM")


def bootstrapped(buildah: Buildah, suite: str, mirror: str | None) -> str:
    """An image of Debian with its Python and nothing else that is not needed."""
    root = buildah.folder / "debian"
    packages = "--include=python3,python3-venv,ca-certificates"
    log = buildah.folder / "debootstrap.log"
    with log.open("w") as output:
        subprocess.run(
            ["debootstrap", "--variant=minbase", packages, suite, root, *([mirror] if mirror else [])],
            check=True,
            stdout=output,
        )
    for left in (*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/lib/apt/lists/*_*")):
        left.unlink()
    container = buildah("from", "scratch")
    buildah("copy", "--quiet", container, str(root), "/")
    buildah("commit", "--quiet", "--rm", container, BASE)
    return BASE


@dataclass(frozen=True, slots=True)
class Image:
    """What the image says about itself."""

    user: str
    command: tuple[str, ...]
    health: tuple[str, ...]
    environment: tuple[str, ...]
    ports: tuple[str, ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Image":
        """Read it from the image's configuration."""
        return cls(
            user=config["User"],
            command=tuple(config["Entrypoint"]),
            health=tuple(config["Healthcheck"]["Test"]),
            environment=tuple(config["Env"]),
            ports=tuple(config["ExposedPorts"]),
            labels=tuple(config["Labels"]),
        )

    def verify(self) -> None:
        """Compare it with what is promised."""
        promise(re.fullmatch(r"[1-9]\d*:[1-9]\d*", self.user) is not None, f"the user is {self.user}")
        promise(self.health == ("CMD", *self.command, "healthcheck"), "the health check is another")
        promise(self.ports == ("10204/tcp",), f"the ports are {self.ports}")
        promise("org.opencontainers.image.revision" in self.labels, "there is no label for the revision")


def runs(root: Path, image: Image, revision: str, *, user: str, read_only: bool) -> None:
    """Run the demo in the image as process 1; it must answer, be healthy, and end on a signal."""
    # The network is the machine's, where somebody else may have the usual port.
    address = f"127.0.0.1:{free_port()}"
    command = [*image.command, "demo", "--listen", address]
    with contained(root, image, command, user=user, read_only=read_only) as demo:
        text = eventually(f"http://{address}/metrics", demo)
        promise("ghe_license_seats_consumed" in text, "the metrics lack the licenses")
        promise(f'revision="{revision}"' in text, "ghe_exporter_build_info does not show the revision")
        ask = [*image.health[1:], "--url", f"http://{address}"]
        with contained(root, image, ask, user=user, read_only=read_only) as check:
            promise(check.wait(START_SECONDS) == 0, "the health check failed")
        # `unshare` waits outside; process 1 inside is its child.
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text(encoding="utf-8").split()
        promise(running_as(children[0]) == user, f"it does not run as {user}")
        os.kill(int(children[0]), signal.SIGTERM)
        asked = time.monotonic()
        try:
            status = demo.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise BrokenPromiseError(f"SIGTERM did not end it within {STOP_SECONDS} s") from None
        promise(status == 0, f"after SIGTERM it ended with {status}")
        print(
            f"ended   after {time.monotonic() - asked:.1f} s as {user}, {'read-only' if read_only else 'writable'} root"
        )


@contextmanager
def contained(
    root: Path, image: Image, command: Sequence[str], *, user: str, read_only: bool
) -> Iterator["subprocess.Popen[bytes]"]:
    """*command* as process 1 over *root*, with the image's environment, as a container engine starts it."""
    mounts = 'mount --bind "$0" "$0" && mount -t proc proc "$0/proc"'
    if read_only:
        mounts += ' && mount -o remount,ro,bind "$0"'
    enter = f'{mounts} && exec chroot --userspec={user} "$0" "$@"'
    space = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", enter, str(root)]
    environment = ["/usr/bin/env", "-i", *image.environment]
    with subprocess.Popen([*space, *environment, *command], stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def eventually(url: str, process: "subprocess.Popen[bytes]") -> str:
    """The answer of *url* as soon as there is one with figures."""
    never = threading.Event()
    for _ in range(START_SECONDS * 2):
        promise(process.poll() is None, "the demo ended at once")
        try:
            with urlopen(url, timeout=5) as answer:
                text: str = answer.read().decode()
            if "ghe_license_seats_consumed" in text:
                return text
        except (URLError, ConnectionError, TimeoutError):
            pass  # it has not opened its port yet
        never.wait(0.5)
    raise BrokenPromiseError(f"{url} has no figures after {START_SECONDS} s")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def running_as(process: str) -> str:
    """User and group of a process, as numbers."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return ":".join(re.findall(r"^[UG]id:\t\d+\t(\d+)", status, re.MULTILINE))


def tree(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every file and folder below *root* with its mode, size and time of change."""
    files = {str(path.relative_to(root)): path.lstat() for path in root.rglob("*")}
    return {name: (status.st_mode, status.st_size, status.st_mtime_ns) for name, status in files.items()}


def size(buildah: Buildah, image: str) -> float:
    """Megabytes of *image* before compression."""
    with buildah.mounted(image) as root:
        found = [path.lstat() for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum({status.st_ino: status.st_size for status in found}.values()) / 1_000_000


def version() -> str:
    """Version of the package in this checkout."""
    text = (SOURCE / "exporter" / "__init__.py").read_text(encoding="utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


def git(*words: str) -> str:
    """What git prints."""
    return subprocess.run(["git", "-C", SOURCE, *words], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def promise(kept: bool, otherwise: str) -> None:  # noqa: FBT001 - reads like an assertion
    """Raise BrokenPromiseError that says *otherwise* unless *kept*."""
    if not kept:
        raise BrokenPromiseError(otherwise)


if __name__ == "__main__":
    sys.exit(main())
