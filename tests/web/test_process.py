"""The protected product as a process: real files that change, a real Prometheus, and settings that are wrong."""

import http.client
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin
from urllib.request import urlopen

import pytest

from exporter.simulator.server import Simulator
from tests.support.certificates import HOUR, PASSWORD, USER, authority, hashed, install, issue, web_config
from tests.support.programs import ROOT, Program, ask, run, started, value
from tests.support.secret_marker import TOKEN, the_line
from tests.support.tools import answers, eventually, free_port, process, tool
from tests.support.web_server import login

RELOADED = "ghe_exporter_config_last_reload_successful"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A small simulated GitHub."""
    with Simulator(users=30, runners=8, organizations=3) as running:
        yield running


class Secure:
    """A client that knows the authority and the password of a running exporter."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.port = int(program.url.rpartition(":")[2])
        self.context = ssl.create_default_context(cadata=authority().pem.decode())

    def ask(self, path: str, method: str = "GET", password: str = PASSWORD) -> tuple[int, str]:
        """Status and body; 0 and the reason where TLS or the connection fails."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self.context)
        try:
            connection.request(method, path, headers=login(password=password))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            connection.close()

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one of its series now."""
        return value(self.ask("/metrics")[1], name, **labels)


@contextmanager
def secure(simulator: Simulator, *arguments: str, **variables: str) -> Iterator[Secure]:
    """`serve` with TLS, once it answers."""
    listen = f"127.0.0.1:{free_port()}"
    settings = {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": simulator.url, "LISTEN": listen}
    with started("serve", *arguments, url=f"https://{listen}", **(settings | variables)) as program:
        client = Secure(program)
        ended = program.process.poll
        eventually(lambda: client.ask("/-/healthy")[0] == 200 or ended() is not None, "serve answers")
        assert ended() is None, program.err()
        yield client


def protected(folder: Path, password: str = PASSWORD, **tls: Any) -> Path:
    """A web configuration with TLS and one user."""
    return web_config(folder, tls=tls, basic_auth_users={USER: hashed(password)})


def test_web_configuration_flag_wins_over_variable_and_file(simulator: Simulator, tmp_path: Path) -> None:
    """All three name it."""
    path = protected(tmp_path)
    with secure(simulator, "--web.config.file", str(path), WEB__CONFIG_FILE="nowhere") as client:
        assert client.ask("/metrics")[0] == 200
        assert client.ask("/metrics", password="wrong") == (401, "unauthorized\n")
        assert client.program.end() == 0
    with secure(simulator, WEB__CONFIG_FILE=str(path)) as client:
        assert client.ask("/metrics", password="")[0] == 401
        assert run("healthcheck", "--url", client.program.url).code == 0
        assert client.program.end() == 0
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"web: {{config_file: {path}}}\n")
    with secure(simulator, "--config", str(settings)) as client:
        assert client.ask("/metrics", password="")[0] == 401
        assert client.program.end() == 0
        assert "Canary" not in client.program.err()


def test_certificate_and_users_change_without_reload(simulator: Simulator, tmp_path: Path) -> None:
    """The log contains no secret."""
    install(tmp_path, issue(issuer=authority()))
    with secure(simulator, "--web.config.file", str(protected(tmp_path)), LOG_LEVEL="debug") as client:
        install(tmp_path, issue(issuer=authority(), ends=-HOUR))
        assert "expired" in client.ask("/metrics")[1]
        install(tmp_path, issue(issuer=authority(2)))
        assert "CERTIFICATE_VERIFY_FAILED" in client.ask("/metrics")[1]
        install(tmp_path, issue(issuer=authority()))
        assert client.ask("/metrics")[0] == 200
        protected(tmp_path, "Canary-another")
        assert client.ask("/metrics")[0] == 401
        assert client.ask("/metrics", password="Canary-another")[0] == 200
        (tmp_path / "server.key").write_text("Canary")
        assert client.ask("/metrics", password="Canary-another")[0] == 200
        assert client.program.end() == 0
        logged = client.program.err() + client.program.out()
    assert "web configuration reloaded" in logged
    assert logged.count("web configuration reload failed, keeping current one") == 1
    assert "key_file" in logged
    for secret in ("Canary", "$2b$", "PRIVATE KEY", "Traceback", b64encode(USER.encode()).decode()[:4]):
        assert secret not in logged


def test_reload_applies_another_web_configuration(simulator: Simulator, tmp_path: Path) -> None:
    """A broken one fails the reload and changes nothing."""
    folders = {name: tmp_path / name for name in ("first", "second", "third")}
    for folder in folders.values():
        folder.mkdir()
    first, second = protected(folders["first"]), protected(folders["second"], "another")
    settings = tmp_path / "settings.yaml"

    def write(path: Path | None, interval: str = "60s") -> None:
        web = {"enable_lifecycle": True} | ({"config_file": str(path)} if path else {})
        settings.write_text(json.dumps({"web": web, "collectors": {"runners": {"interval": interval}}}))

    write(first)
    with secure(simulator, "--config", str(settings)) as client:
        client.value(RELOADED)
        write(folders["third"] / "web.yml", "90s")
        status, problem = client.ask("/-/reload", "POST")
        assert (status, problem.startswith("cannot read the web configuration ")) == (500, True)
        assert client.value(RELOADED) == 0
        write(None, "90s")
        assert client.ask("/-/reload", "POST")[1].endswith("switching TLS on or off needs a restart\n")
        interval = {"collector": "runners", "enterprise": "octo-corp"}
        assert client.value("ghe_exporter_collector_interval_seconds", **interval) == 60
        assert client.ask("/-/reload", "POST", password="wrong")[0] == 401
        write(second, "90s")
        assert client.ask("/-/reload", "POST") == (200, "reloaded\n")
        assert client.ask("/metrics")[0] == 401
        text = client.ask("/metrics", password="another")[1]
        assert value(text, RELOADED) == 1
        assert value(text, "ghe_exporter_collector_interval_seconds", **interval) == 90
        second.write_text("")
        client.program.process.send_signal(signal.SIGHUP)
        eventually(lambda: value(client.ask("/metrics", password="another")[1], RELOADED) == 0, "the reload has failed")
        protected(folders["second"], "fixed")
        client.program.process.send_signal(signal.SIGHUP)
        eventually(lambda: value(client.ask("/metrics", password="fixed")[1], RELOADED) == 1, "it has succeeded")
        assert client.program.end() == 0


@pytest.mark.parametrize("command", ["serve", "demo"])
@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("web.yml", "cannot read the web configuration {folder}/web.yml: No such file or directory"),
        (
            "server.crt",
            "{folder}/web.yml: tls_server_config.cert_file: cannot read {folder}/server.crt: No such file or directory",
        ),
    ],
)
def test_missing_file_ends_with_exit_code_2(command: str, missing: str, line: str, tmp_path: Path) -> None:
    """`serve` and `demo` print one line."""
    path = protected(tmp_path)
    (tmp_path / missing).unlink()
    settings = {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN} if command == "serve" else {}
    done = run(command, "--web.config.file", str(path), LOG_LEVEL="error", **settings)
    assert (done.code, done.out) == (2, "")
    assert the_line(done.err) == line.format(folder=tmp_path)


def test_demo_with_tls_prints_working_addresses(tmp_path: Path) -> None:
    """SIGTERM ends it."""
    path = protected(tmp_path)
    with started("demo", "--listen", "127.0.0.1:0", "--users", "20", "--web.config.file", str(path)) as program:
        eventually(lambda: "Ctrl-C" in program.out(), "it says where to look")
        page, metrics = re.findall(r"https://127\.0\.0\.1:\d+\S*", program.out())
        program.url = metrics.removesuffix("/metrics")
        assert page == f"{program.url}/"
        client = Secure(program)
        eventually(lambda: client.ask("/-/ready")[0] == 200, "it is ready")
        assert "octo-corp" in client.ask("/")[1]
        assert client.ask("/", password="wrong")[0] == 401
        assert program.end() == 0


def test_sigterm_finishes_a_slow_response(simulator: Simulator, tmp_path: Path) -> None:
    """The process ends in time."""
    path = web_config(tmp_path, tls={})
    estate = Simulator(users=30, runners=9_000, organizations=3)
    with estate, secure(simulator, "--web.config.file", str(path), API_URL=estate.url) as client:
        eventually(lambda: bool(client.value("ghe_runner_online", enterprise="octo-corp")), "runners are read")
        with (
            small_window(client.port) as plain,
            client.context.wrap_socket(plain, server_hostname="localhost") as slow,
        ):
            slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = http.client.HTTPResponse(slow)
            answer.begin()
            length = answer.length
            received = answer.read(1_000)
            client.program.process.send_signal(signal.SIGTERM)
            eventually(lambda: "stopping" in client.program.err(), "it is stopping")
            received += answer.read()
        assert len(received) == length
        assert length
        assert length > 1_000_000
        assert client.program.process.wait(timeout=10) == 0


def test_oldest_idle_clients_are_closed_when_descriptors_run_out(simulator: Simulator) -> None:
    """Others are answered, and the log has one line."""
    listen = f"127.0.0.1:{free_port()}"
    settings = {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": simulator.url, "LISTEN": listen}
    with started("serve", url=f"http://{listen}", **settings) as program, ExitStack() as stack:
        eventually(lambda: program.answers("/-/ready"), "serve is ready")
        resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (48, 48))
        host, port = listen.split(":")
        for _ in range(150):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
        before = processor_seconds(program)
        for _ in range(20):
            assert program.answers("/-/healthy")
        # It waited meanwhile instead of asking again and again.
        assert processor_seconds(program) - before < 1
        assert program.err().count("cannot accept connections") == 1
        assert program.end() == 0


def processor_seconds(program: Program) -> float:
    """The processor time that it has taken."""
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_links_work_behind_a_proxy_with_a_path(simulator: Simulator, tmp_path: Path) -> None:
    """A real nginx serves the status page below a path."""
    nginx = tool("nginx")
    listen, front = f"127.0.0.1:{free_port()}", free_port()
    (tmp_path / "nginx.conf").write_text(
        f"""
        daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;
        events {{ }}
        http {{
            access_log off; client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;
            fastcgi_temp_path {tmp_path}/fastcgi; uwsgi_temp_path {tmp_path}/uwsgi; scgi_temp_path {tmp_path}/scgi;
            server {{ listen 127.0.0.1:{front}; location /monitoring/github/ {{ proxy_pass http://{listen}/; }} }}
        }}
        """
    )
    settings = {"ENTERPRISE": "octo-corp", "TOKEN": TOKEN, "API_URL": simulator.url, "LISTEN": listen}
    with (
        started("serve", url=f"http://{listen}", **settings) as program,
        process(nginx, "-p", str(tmp_path), "-e", f"{tmp_path}/error.log", "-c", f"{tmp_path}/nginx.conf"),
    ):
        base = f"http://127.0.0.1:{front}/monitoring/github/"
        eventually(lambda: program.answers("/-/ready") and answers(base), "both answer")
        page = ask(base)[1]
        links = [urljoin(base, link) for link in re.findall(r'href="([^"]+)"', page)]
        assert [link.removeprefix(base) for link in links] == ["metrics", "-/healthy", "-/ready"]
        assert [ask(link)[0] for link in links] == [200, 200, 200]
        assert program.end() == 0


def test_prometheus_scrapes_over_tls_with_a_password(simulator: Simulator, tmp_path: Path) -> None:
    """A real one, with the authority and the password in files."""
    program = tool("prometheus")
    (tmp_path / "ca.pem").write_bytes(authority().pem)
    (tmp_path / "password").write_text(PASSWORD)
    with secure(simulator, "--web.config.file", str(protected(tmp_path, min_version="TLS13"))) as client:
        target = f"127.0.0.1:{client.port}"
        job = {
            "scheme": "https",
            "tls_config": {"ca_file": "ca.pem"},
            "static_configs": [{"targets": [target]}],
        }
        right = {"username": USER, "password_file": "password"}
        jobs = [
            {"job_name": "right", "basic_auth": right, **job},
            {"job_name": "wrong", "basic_auth": {"username": USER, "password": "wrong"}, **job},
            {"job_name": "unverified", "basic_auth": right, **job, "tls_config": {}},
        ]
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
        (tmp_path / "prometheus.yml").write_text(json.dumps(config))
        checked = run_promtool("check", "config", str(tmp_path / "prometheus.yml"))
        assert "SUCCESS" in checked
        port = free_port()
        with process(
            program,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ):
            found: dict[str, float] = {}

            def look() -> bool:
                query = urlencode({"query": "up"})
                try:
                    with urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=10) as answer:
                        result = json.load(answer)["data"]["result"]
                except HTTPError as error:
                    error.close()
                    return False
                except URLError:
                    return False
                found.update({series["metric"]["job"]: float(series["value"][1]) for series in result})
                return found.get("right") == 1 and len(found) == len(jobs)

            eventually(look, "Prometheus has scraped every job")
            assert found == {"right": 1, "wrong": 0, "unverified": 0}
        assert client.program.end() == 0
        assert "Traceback" not in client.program.err()


def small_window(port: int) -> socket.socket:
    """A connection of which little is under way at a time."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    plain.settimeout(30)
    plain.connect(("127.0.0.1", port))
    return plain


def run_promtool(*arguments: str) -> str:
    """What promtool says."""
    with process(tool("promtool"), *arguments) as checked:
        return checked.communicate(timeout=30)[0]


def test_documented_example_works(tmp_path: Path) -> None:
    """The file and the commands of docs/security-model.md, as they are."""
    for name in ("openssl", "curl"):
        tool(name)
    page = (ROOT / "docs" / "security-model.md").read_text()
    make, ask_it, scrape = re.findall(r"```(?:sh|yaml)\n(.*?)```", page, re.DOTALL)
    (tmp_path / "web-config.yaml").write_bytes((ROOT / "docs" / "examples" / "web-config.yaml").read_bytes())
    openssl, demo = re.search(r"(openssl .*?)\nghe-exporter (demo .*)\n", make, re.DOTALL).groups()  # type: ignore[union-attr]
    subprocess.run(openssl, shell=True, cwd=tmp_path, check=True, capture_output=True)
    arguments = [str(tmp_path / word) if word.endswith(".yaml") else word for word in demo.split()]
    listen = f"127.0.0.1:{free_port()}"
    with started(*arguments, "--listen", listen, "--users", "20") as program:
        eventually(lambda: "Ctrl-C" in program.out() or program.process.poll() is not None, "the demo starts")
        curl, check = ask_it.strip().splitlines()
        curl = curl.replace("docs/examples/", "").replace(":10204", f":{listen.rpartition(':')[2]}")
        exposed = subprocess.run(curl, shell=True, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        assert "ghe_exporter_build_info" in exposed
        assert run(*check.replace(":10204", f":{listen.rpartition(':')[2]}").split()[1:]).code == 0
        assert program.end() == 0
    (tmp_path / "prometheus.yml").write_text(scrape)
    assert "SUCCESS" in run_promtool("check", "config", "--syntax-only", str(tmp_path / "prometheus.yml"))
