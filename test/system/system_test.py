#!/usr/bin/env python3
"""Installs the Debian packages into a machine that systemd has booted, and looks at the service, from the first connection to
the purge.

usage: system_test.py PACKAGE_TOOL PACKAGES DEPLOYMENT_PAGE
"""
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from machine import Failed, expect, machine, wait_until
from scene import LUGGAGE, SERVICE, SOCKET_UNIT, Container, Scene, inventory

HERE = Path(__file__).resolve().parent
SOCKET = "/run/nsenterd/nsenterd.sock"
REGISTRY = "/run/varlink/registry/io.nsenterd"
CONFIGURATION = "/etc/nsenterd/nsenterd.toml"
NAMES = ["nsenterd", "nsenterctl", "libnsenterd0.1", "libnsenterd-dev"]
# docs/observability.md
READY_ID = "db77e03dddc84f9fb75de92abd1a10fd"
KINDS = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"]


def check_installed(scene):
    on = scene.on
    scene.install()
    expect(scene.is_active(SOCKET_UNIT) == "active", "the socket does not listen")
    expect(on.output_of("systemctl", "is-enabled", SOCKET_UNIT).strip() == "enabled", "the socket is not enabled")
    expect(on.output_of("getent", "group", "nsenterd").endswith(":\n"), "the group has members")
    expect(scene.is_active() == "inactive", "the service runs though nobody has asked for it")
    expect(on.output_of("readlink", "--canonicalize", REGISTRY).strip() == SOCKET, "not in the registry")
    verified = on.run("systemd-analyze", "verify", SERVICE, SOCKET_UNIT)
    expect(verified.returncode == 0 and "nsenterd" not in verified.stderr, verified.stderr)
    documents = on.output_of("systemctl", "show", "--value", "--property=Documentation", SERVICE).split()
    files = [document.removeprefix("file:") for document in documents if document.startswith("file:")]
    expect(len(files) > 0, documents)
    on.output_of("ls", *files)


def check_activation(scene):
    """By the first connection, to whichever name of the socket."""
    on = scene.on
    expect("io.nsenterd" in scene.ctl("--socket", REGISTRY, "info"), "not io.nsenterd")
    expect(scene.is_active() == "active", "not active")
    main = f"/proc/{scene.main_pid()}"
    for kind in [*KINDS, "time"]:
        ours, first = (on.output_of("readlink", f"{process}/ns/{kind}") for process in (main, "/proc/1"))
        expect(ours == first, f"the service has a {kind} namespace of its own")
    entry = scene.entries("ready")[0]
    expect(entry["MESSAGE_ID"] == READY_ID and entry["PRIORITY"] == "6" and entry["NSENTERD_VERSION"].startswith("0."), entry)


def check_audit(scene):
    """Who is denied is in the journal, with fields."""
    denied = scene.on.run("nsenterctl", "read", "1", "/etc/hostname")
    expect(denied.returncode == 3, f"status {denied.returncode}: {denied.stderr}")
    wait_until(lambda: scene.entries("call_denied"), "a record of who is denied", 5)
    entry = scene.entries("call_denied")[-1]
    expected = {"NSENTERD_PEER_UID": "0", "NSENTERD_TARGET_PID": "1", "NSENTERD_MESSAGE": "readFileRequest",
                "NSENTERD_METHOD": "io.nsenterd.SendRequest", "NSENTERD_REASON": "host"}
    expect({field: entry.get(field) for field in expected} == expected, entry)
    expect(int(entry["NSENTERD_PEER_PID"]) > 1 and int(entry["NSENTERD_DURATION_USEC"]) >= 0, entry)


def check_operations(scene):
    """Every kind of operation, in the sandbox of the unit, in containers with and without a user namespace."""
    for name, container in scene.containers.items():
        check_joined(scene, name, container.pid)
        check_files(scene, name, container.pid)
        settings = "/proc/sys/net/core/somaxconn"
        scene.on.output_of("sh", "-c", f"echo 77 | nsenterctl write --private-proc {container.pid} {settings}")
        expect(scene.ctl("read", "--private-proc", container.pid, settings) == "77\n", f"{name}: no setting written")
        expect(scene.ctl("id", container.pid, "root") == "0\n", f"{name}: no id")
        expect(" /proc " in scene.ctl("mounts", container.pid), f"{name}: no mounts")


def namespaces_of_agent(scene, pid, *options):
    links = [{"message": "readLinkRequest", "payload": {"link": f"/proc/self/ns/{kind}"}} for kind in KINDS]
    answers = scene.ctl("request", *options, pid, *map(json.dumps, links)).splitlines()
    return [json.loads(answer)["payload"] for answer in answers]


def check_joined(scene, name, pid):
    """As the kernel shows the container's; and each of them new, where that is asked for."""
    own = [scene.on.output_of("readlink", f"/proc/{pid}/ns/{kind}").strip() for kind in KINDS]
    there = namespaces_of_agent(scene, pid)
    expect(there == own, f"{name}: not joined: {there}; the container: {own}")
    for kind in ("user", "mnt", "net", "ipc", "uts", "cgroup"):
        there = namespaces_of_agent(scene, pid, "--clone-flags", kind)
        new = [each for each, agent, container in zip(KINDS, there, own) if agent != container]
        expect(new == [kind], f"{name}: asked for a new {kind}, got {new}")


def check_files(scene, name, pid):
    """On behalf of a process, where that can be: the machine may lack capabilities; what its processes have an agent can have."""
    ctl, on_behalf = scene.ctl, ["--as", pid]
    ctl("mount", pid, "none", "/mnt", "-t", "tmpfs", "-o", "size=1m")
    file = "/mnt/program"
    ctl("open", *on_behalf, "--create", "--write", "--mode", "4755", pid, file, "true")
    ctl("chown", pid, "0:0", file)
    ctl("xattr", "set", pid, file, "security.test", "value")
    expect(ctl("xattr", "get", *on_behalf, pid, file, "security.test") == "value", f"{name}: no attribute")
    # Set-user-ID on a file of its own root, as a package manager in the container makes them.
    flags, mode = 0o100 | 0o200 | 0o1, 0o4755
    ctl("request", pid, json.dumps({"message": "openFileRequest", "payload": {
        "file": "/mnt/set-user-id", "flags": str(flags), "mode": str(mode)}}))
    modes = scene.on.output_of("nsenter", "--target", pid, "--mount", "stat", "--format=%a", file, "/mnt/set-user-id")
    expect(modes.split()[1] == "4755", f"{name}: modes {modes}")
    ctl("open", *on_behalf, "--read-write", pid, "/dev/null", "true")
    expect(ctl("ls", pid, "/mnt").split()[-1] == "set-user-id", f"{name}: nothing listed")
    ctl("umount", pid, "/mnt")


def check_sandbox(scene):
    """The kernel's word for it, of the daemon, the fork server, and an agent."""
    def of(pid, field):
        return int(re.search(rf"^{field}:\s*(\d+)$", scene.on.output_of("cat", f"/proc/{pid}/status"), re.MULTILINE).group(1))

    with scene.event_under_way(20):
        processes = [pid for pid, name in scene.on.processes().items() if name.startswith("nsenter") and name != "nsenterctl"]
        expect(len(processes) >= 3, f"daemon, fork server and agent: {processes}")
        for pid in processes:
            expect(of(pid, "NoNewPrivs") == 1, f"{pid} can get new privileges")
            # The machine as a whole has some, too.
            expect(of(pid, "Seccomp_filters") > of(1, "Seccomp_filters"), f"{pid} has no filter")


def check_security_score(scene):
    """What the documentation says, and no worse."""
    analysed = scene.on.output_of("systemd-analyze", "security", "--no-pager", SERVICE)
    score = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", analysed).group(1))
    noted = re.search(r"exposure level of ([0-9.]+)", scene.page.read_text())
    expect(noted, f"{scene.page} notes no score")
    expect(score <= float(noted.group(1)), f"{score}, and {scene.page} says {noted.group(1)}\n{analysed}")


def check_status_line(scene):
    def shows(text):
        return lambda: scene.on.property("StatusText").endswith(text)

    with scene.event_under_way(3) as waiting:
        wait_until(lambda: "1 event under way" in scene.on.property("StatusText"), "the status shows the event", 3)
        expect(waiting.wait(10) == 0, waiting.stdout.read())
    wait_until(lambda: "0 events under way" in scene.on.property("StatusText"), "the status shows that it has ended", 3)
    # Agents are kept for ten seconds.
    wait_until(shows("0 agents warm"), "the status shows that no agent is left")


def check_terminate(scene):
    with scene.event_under_way(50) as waiting:
        name = scene.ctl("events").splitlines()[1].split()[0]
        scene.ctl("terminate", name)
        expect(waiting.wait(10) == 3, "the request of an event that was ended has succeeded")


def check_drain(scene):
    """An event under way gets its response, though systemd would wait for less than the daemon does."""
    with scene.drop_in("[Service]\nTimeoutStopSec=1s\n"), scene.event_under_way(3) as waiting:
        scene.on.output_of("systemctl", "stop", SERVICE)
        said = waiting.communicate(timeout=10)[0]
        expect(waiting.returncode == 0 and "sleepResponse" in said, f"an event under way got no response: {said}")
    expect(scene.on.property("Result") == "success", "it did not end well")
    # The socket is still there, and with the next connection the service.
    scene.answers()


def check_watchdog(scene):
    with scene.drop_in("[Service]\nWatchdogSec=2s\n"):
        scene.on.output_of("systemctl", "restart", SERVICE)
        main = scene.main_pid()
        # It is fed for longer than it waits.
        time.sleep(3)
        expect(scene.main_pid() == main, "a daemon that works was taken for stuck")
        scene.on.output_of("kill", "-STOP", main)
        wait_until(lambda: scene.main_pid() not in (main, "0") and scene.is_active() == "active", "it was restarted")
        scene.answers()
        expect("watchdog" in scene.journal().lower(), "the journal says nothing of it")
    scene.on.output_of("systemctl", "restart", SERVICE)


def check_restart_under_load(scene):
    """Every request is answered, and none is run twice, though the service is restarted again and again."""
    on, pid = scene.on, scene.containers["plain"].pid
    directory = f"{LUGGAGE}/created"
    (on.root / directory.lstrip("/")).mkdir()
    client = subprocess.Popen(on.command(sys.executable, f"{LUGGAGE}/client.py", SOCKET, pid, directory), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    mains = set()
    try:
        for _ in range(6):
            time.sleep(0.3)
            on.output_of("systemctl", "restart", SERVICE)
            mains.add(scene.main_pid())
        said, errors = client.communicate("", timeout=60)
    finally:
        client.kill()
        client.wait()
    expect(client.returncode == 0, errors)
    counts = json.loads(said)
    print(f"    {counts['answered']} requests answered, {counts['repeated']} of them by a second connection")
    expect(len(mains) == 6, f"restarted {len(mains)} times")
    expect(not counts["wrong"], counts["wrong"])
    expect(counts["answered"] > 100 and counts["repeated"] > 0, f"no load: {counts}")
    created = on.output_of("ls", directory).split()
    expect(sorted(map(int, created)) == list(range(counts["answered"])), f"{len(created)} done, {counts['answered']} answered")


def check_reload(scene):
    """The configuration is read anew, or refused, and the service goes on."""
    file = scene.on.root / CONFIGURATION.lstrip("/")
    before = file.read_text()
    main = scene.main_pid()
    reads_host = ("nsenterctl", "read", "--namespace", "none", "1", "/etc/hostname")
    expect(scene.on.run(*reads_host).returncode == 3, "a process of the host is a target")
    file.write_text("[limits]\nevents = 100\n[access]\nallow-host-targets = true\n")
    # systemctl(1) only knows that the signal was sent.
    scene.on.output_of("systemctl", "reload", SERVICE)
    wait_until(lambda: scene.entries("configuration_read"), "the configuration is read anew", 5)
    settings = {entry["NSENTERD_SETTING"] for entry in scene.entries("setting_changed")}
    expect(settings == {"limits.events", "access.allow-host-targets"}, settings)
    expect(scene.on.run(*reads_host).returncode == 0, "the configuration is not in force")
    scene.answers()
    file.write_text("[limits]\nno-such-limit = 1\n")
    scene.on.output_of("systemctl", "reload", SERVICE)
    wait_until(lambda: "no-such-limit" in scene.journal(), "the journal names what is wrong", 5)
    expect(scene.on.run(*reads_host).returncode == 0, "the configuration that was in force is not any more")
    file.write_text(before)
    expect(scene.main_pid() == main, "a reload has ended the service")


def check_own_mount_namespace(scene):
    """A drop-in that gives the service one is noticed."""
    warning = "not in the mount namespace of process 1"
    expect(warning not in scene.journal(), scene.journal())
    with scene.drop_in("[Service]\nProtectHome=yes\n"):
        scene.on.output_of("systemctl", "restart", SERVICE)
        wait_until(lambda: warning in scene.journal(), "a warning", 5)
    scene.on.output_of("systemctl", "restart", SERVICE)


def check_upgrade(scene):
    """The service is another one then; the socket has been there all the time."""
    inode = scene.on.output_of("stat", "--format=%i", SOCKET)
    scene.answers()
    main = scene.main_pid()
    scene.install()
    expect(scene.main_pid() not in (main, "0"), "the old version still runs")
    expect(scene.on.output_of("stat", "--format=%i", SOCKET) == inode, "the socket is another one")
    scene.answers()


def check_purge(scene, before):
    for container in scene.containers.values():
        container.end()
    scene.on.output_of("dpkg", "--purge", *NAMES)
    left = [name for name in scene.on.processes().values() if name.startswith("nsenter")]
    expect(not left, f"processes: {left}")
    after = inventory(scene.on)
    for what, had in before.items():
        expect(after[what] == had, f"{what}: {sorted(after[what] ^ had)[:20]}")


CHECKS = [check_installed, check_activation, check_operations, check_audit, check_sandbox, check_security_score, check_status_line,
          check_terminate, check_drain, check_watchdog, check_restart_under_load, check_reload,
          check_own_mount_namespace, check_upgrade]


def run_checks(scene):
    """How many have failed."""
    before = inventory(scene.on)
    checks = [*CHECKS, lambda last: check_purge(last, before)]
    checks[-1].__name__ = check_purge.__name__
    failures = 0
    for check in checks:
        if check is check_activation:
            scene.containers = {"user": Container(scene.on, "user", ["--user", "--map-root-user"]),
                                "plain": Container(scene.on, "plain", [])}
        try:
            check(scene)
            print(f"ok: {check.__name__}", flush=True)
        except (Failed, subprocess.TimeoutExpired, OSError) as failure:
            failures += 1
            print(f"FAILED: {check.__name__}: {failure}", flush=True)
    return failures


def main():
    tool, packages, page = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    # Those who end a test send SIGTERM: what has been mounted and started is ended then as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    subprocess.run([tool], stdin=subprocess.DEVNULL, check=True)
    # What it would find fault with, and is right as it is, is explained in debian/*.lintian-overrides.
    subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *packages.glob("*.changes")],
                   stdin=subprocess.DEVNULL, check=True)
    with machine() as on:
        luggage = on.root / LUGGAGE.lstrip("/")
        luggage.mkdir()
        for file in [*packages.glob("*.deb"), HERE / "client.py"]:
            shutil.copy(file, luggage)
        # The host may have some installed; and images for containers tell packages not to start their services (invoke-rc.d(8)).
        on.run("dpkg", "--purge", *NAMES)
        (on.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
        debs = [f"{LUGGAGE}/{file.name}" for file in packages.glob("*.deb") if "-dbgsym_" not in file.name]
        sys.exit(1 if run_checks(Scene(on, debs, page)) else 0)


if __name__ == "__main__":
    main()
