"""`ghe-exporter collect`: one pass, printed or written."""

import _thread
import gc
import os
import pty
import resource
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.collector import Platform
from exporter.collectors import COLLECTORS
from exporter.commands.collect import write_atomically
from exporter.errors import SystemRefusal
from exporter.simulator.server import Simulator
from tests.support.programs import ROOT, Done, command, environment, run, value
from tests.support.secret_marker import CANARY, TOKEN, the_line
from tests.support.tools import PATIENCE_SECONDS, eventually, tool


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=3) as running:
        yield running


@pytest.fixture
def configured(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """The simulated GitHub, named by the environment."""
    for name, said in variables(simulator).items():
        monkeypatch.setenv(f"GHE_EXPORTER_{name}", said)
    return simulator


def variables(simulator: Simulator) -> dict[str, str]:
    """The settings of one simulated enterprise."""
    return {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": simulator.url, "ORGANIZATIONS": "octo-org-1"}


@pytest.mark.usefixtures("configured")
def test_everything_is_collected_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is collected once and printed; logs are on standard error alone."""
    assert main(["collect"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert value(out, "ghe_license_seats_consumed", enterprise="octo-corp")
    assert value(out, "ghe_up", enterprise="octo-corp") == 1
    assert all(line.startswith(("ghe_", "# HELP ghe_", "# TYPE ghe_")) for line in lines)
    assert "plain HTTP" not in err
    assert "failed" not in err
    assert CANARY not in out + err


@pytest.mark.usefixtures("configured")
def test_found_organizations_are_read_in_the_same_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runners of an organization are read after the list it was found in."""
    monkeypatch.setenv("GHE_EXPORTER_ORGANIZATIONS", '{"auto": true, "exclude": ["octo-org-3"]}')
    assert main(["collect"]) == 0
    out = capsys.readouterr().out
    assert value(out, "ghe_exporter_organizations", state="read") == 2
    assert 'ghe_runners{enterprise="octo-corp",organization="octo-org-2"' in out
    assert 'ghe_runners{enterprise="octo-corp",organization="octo-org-3"' not in out


@pytest.mark.usefixtures("configured")
def test_process_metrics_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """What node_exporter exposes of processes itself is not repeated."""
    assert main(["collect"]) == 0
    out = capsys.readouterr().out
    assert "ghe_exporter_build_info" in out
    assert "\nprocess_" not in out
    assert "\npython_" not in out


@pytest.mark.usefixtures("configured")
def test_promtool_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Prometheus' own tool finds nothing to complain of."""
    promtool = tool("promtool")
    assert main(["collect"]) == 0
    text = capsys.readouterr().out
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_failed_collector_is_named_and_the_rest_printed(
    configured: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """A collector that fails is named on standard error with its reason, the others are printed, and the code is 1."""
    configured.faults.set("http-500@license-sync-status=1", "html@orgs/octo-org-1/actions/runners=1")
    assert main(["collect"]) == 1
    out, err = capsys.readouterr()
    failed = [line for line in err.splitlines() if line.startswith("failed: ")]
    assert [line.partition(" GET ")[0] for line in failed] == [
        "failed: octo-corp license_sync: server_error:",
        "failed: octo-corp runners: payload: organization octo-org-1:",
        "failed: octo-corp runner_versions: payload: organization octo-org-1:",
    ]
    assert "ghe_license_seats_consumed" in out
    assert "ghe_license_sync_servers" not in out
    assert value(out, "ghe_runners", organization="") is not None
    assert value(out, "ghe_runners", organization="octo-org-1") is None


def test_rejected_credential_fails_every_collector(
    simulator: Simulator, configured: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rejected credential fails everything that was asked, and the metrics about that are printed."""
    assert configured is simulator
    simulator.faults.set("unauthorized=1")
    assert main(["collect"]) == 1
    out, err = capsys.readouterr()
    asked = [collector for collector in COLLECTORS if collector.enabled and Platform.CLOUD in collector.platforms]
    assert err.count("failed: octo-corp ") == len(asked)
    assert value(out, "ghe_up", enterprise="octo-corp") == 0


@pytest.mark.parametrize("fault", ["not-found", "gone", "forbidden"])
def test_unavailable_collector_is_no_failure(
    fault: str, configured: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """What GitHub does not offer here is no failure."""
    configured.faults.set(f"{fault}@license-sync-status=1")
    assert main(["collect"]) == 0
    out, err = capsys.readouterr()
    assert "failed: " not in err
    assert value(out, "ghe_exporter_collector_available", collector="license_sync") == 0


def test_collectors_without_a_place_on_a_server_are_no_failure(
    configured: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is what GitHub Enterprise Server cannot have, which is not even asked for."""
    monkeypatch.setenv("GHE_EXPORTER_ENTERPRISE", "octo-server")
    monkeypatch.setenv("GHE_EXPORTER_API_URL", configured.server_url)
    monkeypatch.delenv("GHE_EXPORTER_ORGANIZATIONS")
    assert main(["collect"]) == 0
    out, err = capsys.readouterr()
    assert "failed: " not in err
    assert value(out, "ghe_exporter_collector_available", collector="licenses") == 0
    assert not any("consumed-licenses" in request for request in configured.request_counts())


@pytest.mark.usefixtures("configured")
def test_output_replaces_the_file_as_a_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is replaced as a whole, readable by all, and nothing else is left in its folder or printed."""
    path = tmp_path / "ghe.prom"
    path.write_text("old\n")
    path.chmod(0o600)
    former = os.umask(0o077)
    try:
        with path.open() as reader:
            assert main(["collect", "--output", str(path)]) == 0
            assert reader.read() == "old\n"
    finally:
        os.umask(former)
    assert value(path.read_text(), "ghe_license_seats_consumed", enterprise="octo-corp")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]
    assert capsys.readouterr().out == ""


def test_output_is_written_despite_a_failure(configured: Simulator, tmp_path: Path) -> None:
    """What could be collected is written although something failed."""
    configured.faults.set("http-500@license-sync-status=1")
    path = tmp_path / "ghe.prom"
    assert main(["collect", "--output", str(path)]) == 1
    assert "ghe_license_seats_consumed" in path.read_text()


def test_output_into_a_missing_folder_is_refused(
    configured: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the folder it ends with 2 and one line, before anything is asked."""
    path = tmp_path / "none" / "ghe.prom"
    assert main(["collect", "--output", str(path)]) == 2
    assert the_line(capsys.readouterr().err) == f"--output: there is no folder {tmp_path / 'none'}"
    assert configured.requests == 0


def test_output_to_a_folder_is_refused(
    configured: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder in the file's place stays, and it ends with 2 and one line that says so, before anything is asked."""
    path = tmp_path / "ghe.prom"
    path.mkdir()
    assert main(["collect", "--output", str(path)]) == 2
    assert the_line(capsys.readouterr().err) == f"--output: {path} is a folder; name a file in it"
    assert list(tmp_path.iterdir()) == [path]
    assert configured.requests == 0


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file can grow beyond *size*."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_old_file_stays_when_the_disk_is_full(tmp_path: Path) -> None:
    """If the new content cannot be written the old one stays whole, and no part of the new one lies about."""
    path = tmp_path / "ghe.prom"
    path.write_text("old\n")
    with full_disk(100), pytest.raises(SystemRefusal, match=r"--output: cannot write .*: File too large"):
        write_atomically(path, b"new\n" * 1000)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def written(simulator: Simulator, output: Path) -> Done:
    """The end of a real `collect --output`."""
    return run("collect", "--output", str(output), **variables(simulator))


@pytest.mark.parametrize("target", ["there", "not yet"])
def test_output_through_links_keeps_the_links(target: str, simulator: Simulator, tmp_path: Path) -> None:
    """What the link leads to is written, also where that is not there yet; the link stays one."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    if target == "there":
        (folder / "ghe.prom").write_text("old\n")
    (tmp_path / "second").symlink_to("metrics/ghe.prom")
    (tmp_path / "first").symlink_to("second")
    assert written(simulator, tmp_path / "first").code == 0
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert "ghe_up" in (folder / "ghe.prom").read_text()
    assert [path.name for path in folder.iterdir()] == ["ghe.prom"]


@pytest.mark.parametrize("through_link", [False, True])
def test_output_to_a_pipe_or_device_is_refused(simulator: Simulator, tmp_path: Path, *, through_link: bool) -> None:
    """What is no regular file is not replaced by one, and nobody waits for the reader of a pipe."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    output = path
    if through_link:
        output = tmp_path / "link"
        output.symlink_to(path)
    done = written(simulator, output)
    assert (done.code, done.out) == (2, "")
    assert the_line(done.err).endswith("is a pipe or a device; name a file, or - to print the metrics")
    assert path.is_fifo()
    assert simulator.requests == 0


def test_output_through_circular_links_is_refused(simulator: Simulator, tmp_path: Path) -> None:
    """Links that lead to each other are one line, not a traceback."""
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to("first")
    done = written(simulator, tmp_path / "first")
    assert done.code == 2
    assert the_line(done.err).startswith("--output: cannot write ")


def test_output_to_a_dash_prints(simulator: Simulator) -> None:
    """`-` is standard output, as without the option."""
    done = written(simulator, Path("-"))
    assert done.code == 0
    assert value(done.out, "ghe_up", enterprise="octo-corp") == 1
    assert not Path("-").exists()


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_exits_with_130(configured: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends it with 130 and without a traceback, whatever GitHub does."""
    configured.faults.set("hang=1")

    def interrupt() -> None:
        eventually(lambda: configured.requests > 0, "a request waits")
        _thread.interrupt_main()
        configured.stop()

    thread = threading.Thread(target=interrupt)
    gc.disable()  # an interrupt that meets a callback of the garbage collector, as hypothesis has one, is lost
    thread.start()
    try:
        assert main(["collect"]) == 130
    finally:
        gc.enable()
        thread.join()
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err


def test_gone_reader_is_no_error(simulator: Simulator) -> None:
    """A reader that stops reading, as `head` does, is no error."""
    process = subprocess.Popen(
        command("collect"),
        cwd=ROOT,
        env=environment(LOG_LEVEL="error", **variables(simulator)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(PATIENCE_SECONDS) == 0


def seen_on_terminal(process: "subprocess.Popen[bytes]", terminal: int) -> bytes:
    """Everything that *process* writes to a terminal until it ends."""
    seen = b""
    try:
        while piece := os.read(terminal, 4096):
            seen += piece
    except OSError:  # Linux' way to say that nobody has the other end any more
        pass
    assert process.wait(PATIENCE_SECONDS) == 0
    return seen


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_shows_on_a_terminal_only(terminal: bool, simulator: Simulator) -> None:
    """Progress shows on a terminal and nowhere else."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    try:
        with subprocess.Popen(
            command("collect"),
            cwd=ROOT,
            env=environment(LOG_LEVEL="error", **variables(simulator)) | {"TERM": "xterm", "COLUMNS": "100"},
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            seen = seen_on_terminal(process, ours)
    finally:
        os.close(ours)
    assert (b"\x1b" in seen) is terminal
    assert (b"octo-corp" in seen) is terminal
