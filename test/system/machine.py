"""A machine of one's own, booted by systemd in systemd-nspawn: with the host's files, and what it writes is thrown away."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

# A machine that hangs is a failure, not a wait.
PATIENCE = 90
PROGRAMS = ["systemd-nspawn", "nsenter", "setpriv", "mount", "umount", "dpkg", "systemctl"]


class Failed(Exception):
    """What is wrong, for a person to read."""


def expect(fulfilled, what):
    if not fulfilled:
        raise Failed(what)


def wait_until(condition, what, limit=30):
    end = time.monotonic() + limit
    while not condition():
        expect(time.monotonic() < end, f"not within {limit} s: {what}")
        time.sleep(0.05)


def run(command, **options):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE, **options)


def output_of(command):
    """What a command prints; Failed with what it says if it fails."""
    done = run(command)
    expect(done.returncode == 0, f"{' '.join(map(str, command))}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def mounted(target, *arguments):
    target.mkdir()
    output_of(["mount", *arguments, target])
    try:
        yield target
    finally:
        output_of(["umount", target])


@contextlib.contextmanager
def control_groups():
    """Groups below this process's own, in each hierarchy that systemd uses, for the machine; removed with all that is below them.
    Yields the files that a process joins them by."""
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    groups = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, (kind, _, options) = line.split()[4], line.split(" - ")[1].split()[:3]
        controller = "name=systemd" if kind == "cgroup" and "name=systemd" in options else ""
        if kind == "cgroup2" or controller:
            groups.append(Path(place) / own[controller].lstrip("/") / f"nsenterd-system-{os.getpid()}")
    for group in groups:
        group.mkdir()
    try:
        yield [group / "cgroup.procs" for group in groups]
    finally:
        for group in groups:
            for directory, _, _ in os.walk(group, topdown=False):
                # The kernel takes a moment to let the last process go.
                wait_until(lambda path=directory: removed(path), f"{directory} empty")


def removed(directory):
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


class Machine:
    """Made by machine()."""

    def __init__(self, root, changes, nspawn):
        self.root = root
        self.changes = changes
        self.nspawn = nspawn
        self.init = None

    def boot(self):
        children = Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")
        host = os.readlink("/proc/self/ns/pid")

        def is_inside(pid):
            # A child of nspawn's that only prepares the machine may end meanwhile.
            with contextlib.suppress(OSError):
                return os.readlink(f"/proc/{pid}/ns/pid") != host

        def has_booted():
            expect(self.nspawn.poll() is None, "systemd-nspawn has ended")
            self.init = next(filter(is_inside, children.read_text().split()), None)
            # Some unit of the host's may not work in a machine: that is degraded, and none of ours.
            return self.init and self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

        wait_until(has_booted, "the machine has booted", PATIENCE)

    def command(self, *arguments):
        return ["nsenter", "--target", self.init, "--all", "--", *map(str, arguments)]

    def run(self, *arguments):
        return run(self.command(*arguments))

    def output_of(self, *arguments):
        return output_of(self.command(*arguments))

    @contextlib.contextmanager
    def started(self, *arguments):
        """A command that runs meanwhile."""
        process = subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def property(self, name, unit="nsenterd.service"):
        return self.output_of("systemctl", "show", "--property", name, "--value", unit).strip()

    def changed_files(self):
        """What is there and not on the host, and the other way round."""
        changed = (path.relative_to(self.changes) for path in self.changes.rglob("*"))
        return {f"/{path}" for path in changed if os.path.lexists(self.root / path) != os.path.lexists(f"/{path}")}

    def processes(self):
        """The names of all processes, by number."""
        return dict(re.findall(r"^ *(\d+) (.*)$", self.output_of("ps", "-A", "-o", "pid=,comm="), re.MULTILINE))


def end(nspawn):
    """Ends the machine, whether it has booted or not."""
    nspawn.send_signal(signal.SIGTERM)
    try:
        nspawn.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        nspawn.kill()
        nspawn.wait()


@contextlib.contextmanager
def machine():
    """Boots one. Whatever happens, nothing is left of it."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    expect(not missing, f"this test cannot run here: there is no {', '.join(missing)}")
    expect(os.geteuid() == 0, "this test cannot run here: it needs root")
    with tempfile.TemporaryDirectory(prefix="nsenterd-system-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        # The host's root may be an overlay itself, on which another's changes cannot lie.
        changes = stack.enter_context(mounted(directory / "changes", "-t", "tmpfs", "nsenterd-system"))
        for part in ("upper", "work"):
            (changes / part).mkdir()
        root = stack.enter_context(mounted(
            directory / "root", "-t", "overlay", "nsenterd-system",
            "-o", f"lowerdir=/,upperdir={changes}/upper,workdir={changes}/work"))
        groups = stack.enter_context(control_groups())
        joining = "".join(f"echo $$ >'{group}' && " for group in groups)
        # With this process ends nspawn, and with that the machine.
        nspawn = subprocess.Popen(
            ["sh", "-c", joining + 'exec setpriv --pdeathsig KILL "$@"', "sh", "systemd-nspawn", "--quiet", "--register=no",
             "--keep-unit", f"--directory={root}", "--private-network", "--boot", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(end, nspawn)
        booted = Machine(root, changes / "upper", nspawn)
        booted.boot()
        yield booted
