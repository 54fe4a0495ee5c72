"""The service in a machine, and containers for it."""
import contextlib
import json
import re
import shutil

from machine import expect, wait_until

SERVICE = "nsenterd.service"
SOCKET_UNIT = "nsenterd.socket"
# In the machine: what the test brings along.
LUGGAGE = "/nsenterd-luggage"


class Container:
    """Namespaces of every kind, or of all kinds but `user`, held by a unit of the machine's. Its files are the machine's."""

    def __init__(self, on, name, options):
        self.on = on
        self.unit = f"container-{name}.service"
        on.output_of("systemd-run", "--quiet", f"--unit={self.unit}", "--property=KillSignal=SIGKILL", "unshare", *options,
                     "--fork", "--mount", "--pid", "--mount-proc", "--net", "--ipc", "--uts", "--cgroup", "sleep", "infinity")
        wait_until(lambda: self.first_process() is not None, "the container is there")
        self.pid = self.first_process()

    def first_process(self):
        children = self.on.run("pgrep", "--parent", self.on.property("MainPID", self.unit), "sleep").stdout.split()
        return children[0] if children else None

    def end(self):
        self.on.run("systemctl", "stop", self.unit)


class Scene:
    """The machine, the service in it, and containers for it."""

    def __init__(self, on, packages, page):
        self.on = on
        self.packages = packages
        self.page = page
        self.containers = {}

    def ctl(self, *arguments):
        return self.on.output_of("nsenterctl", *arguments)

    def main_pid(self):
        return self.on.property("MainPID")

    def answers(self):
        expect(self.ctl("readlink", self.containers["user"].pid, "/proc/self").strip().isdigit(), "no answer")

    def journal(self):
        return self.on.output_of("journalctl", "--unit", SERVICE, "--output=cat", "--no-pager")

    def entries(self, kind):
        """What the service has written of a kind of record, with all fields."""
        text = self.on.output_of("journalctl", "--unit", SERVICE, f"NSENTERD_KIND={kind}", "--output=json", "--no-pager")
        return [json.loads(line) for line in text.splitlines()]

    def is_active(self, unit=SERVICE):
        return self.on.run("systemctl", "is-active", unit).stdout.strip()

    @contextlib.contextmanager
    def drop_in(self, text):
        """Changes the unit, as an administrator does."""
        directory = self.on.root / "etc/systemd/system" / f"{SERVICE}.d"
        directory.mkdir(parents=True)
        (directory / "test.conf").write_text(text)
        self.on.output_of("systemctl", "daemon-reload")
        try:
            yield
        finally:
            shutil.rmtree(directory)
            self.on.output_of("systemctl", "daemon-reload")

    @contextlib.contextmanager
    def event_under_way(self, seconds):
        """A request that takes its time; yields the process that waits for the answer."""
        request = json.dumps({"message": "sleepRequest", "payload": {"attr": str(seconds)}})
        with self.on.started("nsenterctl", "--timeout", "60s", "request", self.containers["user"].pid, request) as waiting:
            wait_until(lambda: len(self.ctl("events").splitlines()) > 1, "the event is under way")
            yield waiting

    def install(self):
        self.on.output_of("dpkg", "--install", *self.packages)


def inventory(on):
    """What a purge has to leave as it was: files, mounts, users, groups, and units."""
    # Records of whoever installs and of systemd, which keep more than the package's.
    records = (LUGGAGE, "/var/lib/dpkg/", "/var/lib/systemd/", "/var/log/", "/var/cache/")

    def is_others(path):
        """Whether it is of no concern: the machine's other services run there, too, and each has something of its own."""
        return path.startswith(records) or (path.startswith("/var/lib/") and "nsenter" not in path)

    runtime = on.output_of("find", "/run", "-xdev", "(", "-path", "/run/systemd", "-o", "-path", "/run/udev", ")", "-prune", "-o",
                           "-print")
    return {"files": {path for path in on.changed_files() if not is_others(path)} | set(runtime.splitlines()),
            "mounts": {line.split()[4] for line in on.output_of("cat", "/proc/1/mountinfo").splitlines()
                       if not line.split()[4].startswith("/run/credentials")},
            "users": set(on.output_of("cat", "/etc/passwd", "/etc/group").splitlines()),
            "units": set(re.findall(r"\S*nsenter\S*", on.output_of("systemctl", "list-unit-files", "--all", "--no-pager")))}
