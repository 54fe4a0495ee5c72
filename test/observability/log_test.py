#!/usr/bin/env python3
"""What the daemon logs, in text and in JSON."""
import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from support import AUDIT_ALL, AUDIT_EVERYTHING, container, daemon, equal, expect, run, wait_until

JSON = ("--log-format", "json")
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (trace|debug|info|warning|error) \S.*")


def the_life_of_a_daemon_is_recorded():
    with daemon(*JSON) as running:
        equal(running.end(), 0, "exit status")
        records = running.records()
        equal([record["kind"] for record in records], ["starting", "ready", "ending", "ended"], "kinds")
        equal(records[1]["socket"], str(running.socket), "socket")
        equal(records[2]["signal"], signal.SIGTERM, "signal")
        expect(all(re.fullmatch("[0-9a-f]{32}", record["message_id"]) for record in records), "message ids")
        expect(all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z", record["time"]) for record in records), "times")


def text_has_a_line_for_each_record():
    with daemon() as running:
        running.client().read(os.getpid())
        equal(running.end(), 0, "exit status")
        lines = running.log().splitlines()
        expect(all(LINE.fullmatch(line) for line in lines), lines)
        equal(len(lines), 5, "lines")
        expect(f" warning call denied peer_pid={os.getpid()} peer_uid=0 peer_gid=0 method=io.nsenterd.SendRequest "
               in lines[2], lines[2])


def nothing_below_the_level_is_written():
    with daemon("--log-level", "error") as running:
        running.client().read(os.getpid())
        equal(running.end(), 0, "exit status")
        equal(running.log(), "", "log")


def a_denied_request_is_recorded_with_its_client_and_target():
    with daemon(*JSON) as running:
        client = running.client()
        equal(client.read(os.getpid())["error"], "org.varlink.service.PermissionDenied", "error")
        record = running.wait_for("call_denied")[0]
        for key, value in {"peer_pid": os.getpid(), "peer_uid": 0, "peer_gid": 0, "target_pid": os.getpid(),
                           "method": "io.nsenterd.SendRequest", "request": "readFileRequest", "reason": "host",
                           "error": "org.varlink.service.PermissionDenied", "level": "warning"}.items():
            equal(record[key], value, key)


def a_user_who_may_not_call_is_recorded():
    program = ("import os, socket, sys; os.setgid(65533); os.setuid(65534); s = socket.socket(socket.AF_UNIX); "
               "s.connect(sys.argv[1]); s.sendall(b'x'); s.recv(1000)")
    with daemon(*JSON) as running:
        subprocess.run([sys.executable, "-c", program, running.socket], check=True, timeout=10)
        record = running.wait_for("call_denied")[0]
        equal((record["peer_uid"], record["peer_gid"]), (65534, 65533), "peer")
        expect("method" not in record, record)
        equal(record["reason"], "not-listed", "reason")


def a_connection_over_the_limit_is_recorded():
    with daemon(*JSON) as running, contextlib.ExitStack() as stack:
        for _ in range(257):
            stack.callback(running.client().close)
        record = running.wait_for("connection_refused")[0]
        equal((record["limit"], record["peer_uid"]), ("connections", 0), "record")


def events_that_fail_are_recorded():
    with daemon(*JSON) as running, container() as pid:
        client = running.client()
        client.sleep(pid, 60, timeoutMilliseconds=50)
        client.send({"method": "io.nsenterd.SendRequest", "parameters": {
            "pid": pid, "namespace": ["user", "mnt", "pid"],
            "request": {"message": "sleepRequest", "payload": {"attr": "60"}}}})
        wait_until(lambda: len(running.children()) == 2, "the agent")
        time.sleep(0.3)
        os.kill(running.children()[1], signal.SIGKILL)
        equal(client.receive()["error"], "io.nsenterd.AgentDied", "error")
        timed_out, died = running.wait_for("event_failed", 2)
        equal((timed_out["error"], timed_out["target_pid"], timed_out["request"]), ("TimedOut", pid, "sleepRequest"),
              "record")
        expect(50_000 <= timed_out["duration_usec"] < 5_000_000, timed_out)
        equal((died["error"], died["signal"]), ("AgentDied", 9), "record")


def an_event_that_nobody_waits_for_is_recorded_as_well():
    with daemon(*JSON) as running, container() as pid:
        client = running.client()
        expect("error" not in client.sleep(pid, 60, timeoutMilliseconds=100, **{"async": True}), "start")
        equal(running.wait_for("event_failed")[0]["error"], "TimedOut", "error")


@contextlib.contextmanager
def frozen(pid):
    """Keeps a process from ending, by the freezer of cgroup v1: a signal waits until it is let go."""
    group = Path(f"/sys/fs/cgroup/freezer/nsenterd-test-log-{os.getpid()}")
    group.mkdir()
    try:
        (group / "cgroup.procs").write_text(str(pid))
        (group / "freezer.state").write_text("FROZEN")
        wait_until(lambda: (group / "freezer.state").read_text() == "FROZEN\n", "the process is frozen")
        yield
    finally:
        (group / "freezer.state").write_text("THAWED")
        wait_until(lambda: (group / "cgroup.procs").read_text() == "", "the process has ended")
        group.rmdir()


def an_agent_that_does_not_end_is_recorded():
    if not Path("/sys/fs/cgroup/freezer").is_dir():
        print("not checked, an agent that does not end: no freezer of cgroup v1")
        return
    with daemon(*JSON) as running, container() as pid:
        client = running.client()
        expect("error" not in client.sleep(pid, 60, timeoutMilliseconds=500, **{"async": True}), "start")
        agent = running.children()[1]
        with frozen(agent):
            record = running.wait_for("agent_stuck")[0]
            equal((record["agent_pid"], record["level"]), (agent, "warning"), "record")
            text = client.call("io.nsenterd.GetMetrics")["parameters"]["text"]
            expect('nsenterd_agents{state="stuck"} 1\n' in text, text)


def a_new_fork_server_is_recorded():
    with daemon(*JSON) as running, container() as pid:
        client = running.client()
        client.read(pid)
        os.kill(running.children()[0], signal.SIGKILL)
        wait_until(lambda: "error" not in client.read(pid, freshAgent=True), "a new fork server")
        running.wait_for("fork_server_restarted")


def an_audit_of_all_has_every_call_once():
    with daemon(*JSON, configuration=AUDIT_ALL) as running, container() as pid:
        client = running.client()
        client.read(pid)
        client.read(pid, "/does/not/exist")
        client.call("io.nsenterd.TerminateRequest", event="99")
        client.call("no.such.Method")
        client.read(os.getpid())
        equal(running.end(), 0, "exit status")
        calls = running.records("call_answered")
        equal([call["method"] for call in calls], ["io.nsenterd.SendRequest"] * 2 +
              ["io.nsenterd.TerminateRequest", "no.such.Method"], "methods")
        expect("error" not in calls[0] and calls[0]["duration_usec"] > 0, calls[0])
        equal((calls[1]["error"], calls[1]["errno"]), ("errorResponse", 2), "errorResponse")
        equal((calls[2]["error"], calls[2]["event"]), ("io.nsenterd.NoSuchEvent", "99"), "event")
        equal(len(running.records("call_denied")), 1, "denied")


def a_call_whose_client_goes_is_recorded_once():
    with daemon(*JSON, configuration=AUDIT_ALL) as running, container() as pid:
        client = running.client()
        client.send({"method": "io.nsenterd.SendRequest", "parameters": {
            "pid": pid, "namespace": ["user", "mnt", "pid"],
            "request": {"message": "sleepRequest", "payload": {"attr": "60"}}}})
        wait_until(lambda: len(running.children()) == 2, "the agent")
        client.close()
        equal(running.wait_for("call_answered")[0]["error"], "abandoned", "error")
        equal(running.end(), 0, "exit status")
        equal(len(running.records("call_answered")), 1, "records")


def a_client_that_goes_at_once_is_denied_on_record():
    call = {"method": "io.nsenterd.SendRequest", "parameters": {
        "pid": os.getpid(), "namespace": ["net"],
        "request": {"message": "readFileRequest", "payload": {"file": "/", "offset": 0, "len": 1}}}}
    with daemon(*JSON, configuration=AUDIT_ALL) as running:
        for _ in range(100):
            client = running.client()
            client.send(call)
            client.close()
        running.wait_for("call_denied", 100)
        equal(running.end(), 0, "exit status")
        equal(len(running.records("call_denied")), 100, "records")
        equal(running.records("call_answered"), [], "other records")


def no_signal_is_delivered_to_the_threads_of_the_log():
    with daemon() as running:
        tasks = Path(f"/proc/{running.process.pid}/task")
        others = [int(task.name) for task in tasks.iterdir() if int(task.name) != running.process.pid]
        equal(len(others), 1, "threads")
        blocked = re.search(r"SigBlk:\s+(\w+)", (tasks / str(others[0]) / "status").read_text()).group(1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            expect(int(blocked, 16) >> (number - 1) & 1, f"{number} is not blocked: {blocked}")


def lines_are_whole_where_standard_error_does_not_wait():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with daemon(*JSON, configuration=AUDIT_EVERYTHING, stderr=writer) as running:
        os.close(writer)
        client = running.client()
        client.send(*[{"method": "org.varlink.service.GetInfo"}] * 2000)
        client.receive_all(2000)
        output = b""

        def all_are_read():
            nonlocal output
            if select.select([reader], [], [], 0.01)[0]:
                output += os.read(reader, 65536)
            return output.count(b'"call_answered"') == 2000

        wait_until(all_are_read, "all records")
        equal(running.end(), 0, "exit status")
        while (piece := os.read(reader, 65536)):
            output += piece
    os.close(reader)
    equal(len([json.loads(line) for line in output.decode().splitlines()]), 2004, "records")


def records_over_the_rate_are_counted_and_said():
    with daemon(*JSON, configuration='[logging]\nrate-limit = 5\nrate-interval = "500ms"\n') as running:
        client = running.client()
        for _ in range(20):
            client.read(os.getpid())
        equal(len(running.wait_for("call_denied", 5)), 5, "records")
        time.sleep(0.6)
        client.read(os.getpid())
        suppressed = running.wait_for("records_suppressed")[0]
        equal((suppressed["of_kind"], suppressed["count"]), ("call_denied", 15), "suppressed")
        equal(len(running.wait_for("call_denied", 6)), 6, "records")
        for _ in range(7):
            client.read(os.getpid())
        equal(running.end(), 0, "exit status")
        # Said at the end at the latest.
        equal([record["count"] for record in running.records("records_suppressed")], [15, 3], "suppressed")


def a_log_that_nobody_reads_holds_up_nobody():
    reader, writer = os.pipe()
    with daemon(*JSON, configuration=AUDIT_EVERYTHING, stderr=writer) as running:
        os.close(writer)
        client = running.client()
        info = {"method": "org.varlink.service.GetInfo"}
        started = time.monotonic()
        for _ in range(20):
            client.send(*[info] * 500)
            client.receive_all(500)
        expect(time.monotonic() - started < 10, "the daemon waits for its log")
        # Now it is read, and says what was lost.
        os.set_blocking(reader, False)
        output = b""

        def read():
            nonlocal output
            with contextlib.suppress(BlockingIOError):
                output += os.read(reader, 1 << 20)
            return b"records_dropped" in output and output.endswith(b"\n")

        def read_after_a_call():
            client.call("org.varlink.service.GetInfo")
            return read()

        wait_until(read_after_a_call, "what was dropped")
        equal(running.end(), 0, "exit status")
        read()
        while (piece := os.read(reader, 1 << 20)):
            output += piece
    os.close(reader)
    records = [json.loads(line) for line in output.decode().splitlines()]
    dropped = sum(record["count"] for record in records if record["kind"] == "records_dropped")
    calls = sum(record["kind"] == "call_answered" for record in records)
    expect(dropped > 1000, f"{dropped} dropped")
    others = len(records) - calls - sum(record["kind"] == "records_dropped" for record in records)
    expect(calls + dropped + others >= 10_000 + 4, f"{calls} calls, {dropped} dropped")


def a_daemon_ends_although_nobody_reads_its_log():
    reader, writer = os.pipe()
    with daemon(*JSON, configuration=AUDIT_EVERYTHING, stderr=writer) as running:
        os.close(writer)
        client = running.client()
        client.send(*[{"method": "org.varlink.service.GetInfo"}] * 2000)
        client.receive_all(2000)
        started = time.monotonic()
        equal(running.end(), 0, "exit status")
        expect(1.5 < time.monotonic() - started < 6, "its patience is two seconds")
    os.close(reader)


def what_has_no_kind_is_escaped_as_well():
    done = subprocess.run([os.environ["NSENTERD"], *JSON, "--socket", "/dev/null/x", "--agent", "/no\nagent\x1b"],
                          capture_output=True, text=True, timeout=10)
    equal(done.returncode, 1, "exit status")
    starting, record = [json.loads(line) for line in done.stderr.splitlines()]
    equal((starting["kind"], record["kind"], record["level"]), ("starting", "text", "error"), "records")
    expect("/no\\nagent\\x1b: " in record["message"], record)


def a_wrong_option_is_refused():
    for option in (["--log-format", "xml"], ["--log-level", "loud"]):
        done = subprocess.run([os.environ["NSENTERD"], *option], capture_output=True, timeout=10)
        equal(done.returncode, 2, option)


if __name__ == "__main__":
    run([the_life_of_a_daemon_is_recorded, text_has_a_line_for_each_record, nothing_below_the_level_is_written,
         a_denied_request_is_recorded_with_its_client_and_target, a_user_who_may_not_call_is_recorded,
         a_connection_over_the_limit_is_recorded, events_that_fail_are_recorded,
         an_event_that_nobody_waits_for_is_recorded_as_well, an_agent_that_does_not_end_is_recorded,
         a_new_fork_server_is_recorded, an_audit_of_all_has_every_call_once, a_call_whose_client_goes_is_recorded_once,
         a_client_that_goes_at_once_is_denied_on_record, no_signal_is_delivered_to_the_threads_of_the_log,
         lines_are_whole_where_standard_error_does_not_wait, records_over_the_rate_are_counted_and_said, a_log_that_nobody_reads_holds_up_nobody,
         a_daemon_ends_although_nobody_reads_its_log, what_has_no_kind_is_escaped_as_well, a_wrong_option_is_refused])
