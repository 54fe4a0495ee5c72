"""A daemon of one's own, its clients, and its log, for the tests of what it says of itself."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAMESPACES = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"]
# What only a fault exceeds.
PATIENCE = 10


def expect(fulfilled, what):
    if not fulfilled:
        raise AssertionError(what)


def equal(found, expected, what):
    expect(found == expected, f"{what}: {found!r}, not {expected!r}")


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        expect(time.monotonic() < end, f"never came: {what}")
        time.sleep(0.01)


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self.input = b""

    def send(self, *calls):
        self.socket.sendall(b"".join(json.dumps(call).encode() + b"\0" for call in calls))

    def receive(self):
        """The next reply; None at the end of the connection."""
        while b"\0" not in self.input:
            piece = self.socket.recv(1 << 20)
            if not piece:
                return None
            self.input += piece
        reply, _, self.input = self.input.partition(b"\0")
        return json.loads(reply)

    def receive_all(self, count):
        """So many replies."""
        data, self.input = [self.input], b""
        missing = count - data[0].count(b"\0")
        while missing > 0:
            data.append(self.socket.recv(1 << 20))
            expect(data[-1], "the connection was closed")
            missing -= data[-1].count(b"\0")
        replies = b"".join(data).split(b"\0")
        equal(replies[count:], [b""], "what follows the replies")
        return [json.loads(reply) for reply in replies[:count]]

    def call(self, method, **parameters):
        self.send({"method": method, "parameters": parameters})
        return self.receive()

    def request(self, pid, message, payload, **more):
        return self.call("io.nsenterd.SendRequest", pid=pid, namespace=NAMESPACES,
                         request={"message": message, "payload": payload}, **more)

    def read(self, pid, file="/proc/uptime", **more):
        return self.request(pid, "readFileRequest", {"file": file, "offset": 0, "len": 4096}, **more)

    def sleep(self, pid, seconds, **more):
        return self.request(pid, "sleepRequest", {"attr": str(seconds)}, **more)

    def close(self):
        self.socket.close()


AUDIT_ALL = '[logging]\naudit = "all"\n'
AUDIT_EVERYTHING = AUDIT_ALL + "rate-limit = 0\n"


def metrics_to(path, interval="15s"):
    """A configuration that has metrics written there."""
    return f'[metrics]\nfile = "{path}"\ninterval = "{interval}"\n'


class Daemon:
    """The daemon under test; its standard error is `stderr`, or a file that log() reads."""

    def __init__(self, *options, configuration="", stderr=None, environment=None, umask=0o022):
        command = [os.environ["NSENTERD"], "--agent", os.environ["NSENTER_AGENT"]]
        self.directory = Path(tempfile.mkdtemp(prefix="nsenterd-observability-"))
        self.directory.chmod(0o755)
        self.socket = self.directory / "socket"
        self.log_file = self.directory / "log"
        configuration_file = self.directory / "nsenterd.toml"
        configuration_file.write_text(configuration)
        configuration_file.chmod(0o644)
        with open(self.log_file, "wb") as file:
            self.process = subprocess.Popen(
                [*command, "--socket", self.socket, "--config", configuration_file, *options],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file if stderr is None else stderr,
                env={**os.environ, **(environment or {})}, umask=umask)
        try:
            wait_until(lambda: self.process.poll() is not None or self.accepts(), "the daemon's socket")
            expect(self.process.poll() is None, f"the daemon ended: {self.log()}")
        except AssertionError:
            self.clean_up()
            raise

    def accepts(self):
        try:
            Client(self.socket).close()
            return True
        except OSError:
            return False

    def client(self):
        return Client(self.socket)

    def log(self):
        return self.log_file.read_bytes().decode()

    def records(self, kind=None):
        """Of a log in JSON."""
        records = [json.loads(line) for line in self.log().split("\n")[:-1]]
        return [record for record in records if kind in (None, record["kind"])]

    def wait_for(self, kind, count=1):
        wait_until(lambda: len(self.records(kind)) >= count, f"{count} records {kind} in {self.log()}")
        return self.records(kind)

    def children(self):
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def end(self):
        """Tells it to end; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def clean_up(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        for file in self.directory.iterdir():
            file.unlink()
        self.directory.rmdir()


@contextlib.contextmanager
def daemon(*options, **more):
    running = Daemon(*options, **more)
    try:
        yield running
    finally:
        running.clean_up()


@contextlib.contextmanager
def container():
    """The process id of a container's process 1."""
    outer = subprocess.Popen(["unshare", "-Urmpnuif", "--cgroup", "--mount-proc", "sleep", "inf"],
                             stdin=subprocess.DEVNULL)
    try:
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")

        def is_ready():
            pids = children.read_text().split()
            return pids and Path(f"/proc/{pids[0]}/comm").read_text() == "sleep\n"

        wait_until(is_ready, "the container")
        pid = int(children.read_text().split()[0])
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError, UnboundLocalError):
            os.kill(pid, signal.SIGKILL)
        outer.kill()
        outer.wait(PATIENCE)


def run(checks):
    """Runs each, and ends the program."""
    status = 0
    for check in checks:
        started = time.monotonic()
        try:
            check()
            print(f"ok: {check.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception as failure:  # pylint: disable=broad-except
            status = 1
            print(f"FAILED: {check.__name__}: {type(failure).__name__}: {failure}", flush=True)
    sys.exit(status)


UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
LONGEST = 256


def escaped(value):
    """A value as the log is to show it; written apart from the daemon's own."""
    data = value.encode()
    mark = ""
    if len(data) > LONGEST:
        data, mark = data[:LONGEST], "\\..."
    text = data.decode(errors="ignore").replace("\\", "\\\\")
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

    def escape(match):
        character = match.group()
        return named.get(character) or "".join(f"\\x{byte:02x}" for byte in character.encode())

    return UNSAFE.sub(escape, text) + mark
