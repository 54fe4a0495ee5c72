#!/usr/bin/env python3
"""The daemon's metrics, read by the parsers of those who would read them."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from support import container, daemon, equal, expect, metrics_to, run, wait_until

HERE = Path(__file__).resolve().parent
SOURCE = Path(os.environ["SOURCE"])


def parsed(text, form="open_metrics"):
    """The families of a text, by their names."""
    done = subprocess.run(["/usr/bin/python3", HERE / "parse_metrics.py", form], input=text, capture_output=True,
                          text=True, timeout=30)
    equal(done.returncode, 0, done.stderr)
    return {family["name"]: family for family in json.loads(done.stdout)}


def value(families, sample, **labels):
    for family in families.values():
        for name, found, number in family["samples"]:
            if name == sample and found == labels:
                return number
    return None


def metrics_of(client):
    return client.call("io.nsenterd.GetMetrics")["parameters"]["text"]


def use(running, pid):
    """Some events of all kinds; the client that has sent them."""
    client = running.client()
    for _ in range(5):
        client.read(pid)
    client.read(pid, "/does/not/exist")
    client.sleep(pid, 60, timeoutMilliseconds=50)
    client.read(os.getpid())
    client.call("io.nsenterd.SendRequest", no="such")
    client.request(pid, "no\nsuch\"Request", {})
    client.sleep(pid, 0)
    return client


def the_strict_parser_reads_them_and_they_agree_with_the_statistics():
    with daemon() as running, container() as pid:
        client = use(running, pid)
        text = metrics_of(client)
        families = parsed(text)
        expect(all(family["help"] for family in families.values()), "help")
        statistics = client.call("io.nsenterd.GetStatistics")["parameters"]
        equal(value(families, "nsenterd_events_total", message="readFileRequest", outcome="response"), 5, "responses")
        for outcome, count in {"error_response": 1, "denied": 1, "timed_out": 0}.items():
            equal(value(families, "nsenterd_events_total", message="readFileRequest", outcome=outcome), count, outcome)
        equal(value(families, "nsenterd_events_total", message="sleepRequest", outcome="timed_out"), 1, "timed out")
        equal(value(families, "nsenterd_refusals_total", reason="permission_denied"), 1, "denied")
        equal(value(families, "nsenterd_refusals_total", reason="invalid_parameter"), 2, "invalid")
        equal({labels["message"] for _, labels, _ in families["nsenterd_events"]["samples"]},
              {"readFileRequest", "sleepRequest"}, "messages: only those there are")
        for message in statistics["messages"]:
            agrees(families, message)
        process = Path(f"/proc/{running.process.pid}")
        resident = int(re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text()).group(1)) * 1024
        expect(abs(value(families, "nsenterd_resident_memory_bytes") - resident) < 4 << 20, "resident memory")
        # What belonged to an event that has ended is closed when its agent is gone.
        wait_until(lambda: value(parsed(metrics_of(client)), "nsenterd_open_descriptors") == len(list((process / "fd").iterdir())),
                   "descriptors")
        expect(abs(value(families, "nsenterd_start_time_seconds") - time.time()) < 30, "start")
        equal(value(families, "nsenterd_connections"), 1, "connections")


def agrees(families, message):
    """One message's histogram, and what the statistics say of it."""
    samples = [(name, labels, number) for name, labels, number in families["nsenterd_event_duration_seconds"]["samples"]
               if labels["message"] == message["message"]]
    buckets = [(float(labels["le"]), number) for name, labels, number in samples if name.endswith("_bucket")]
    equal(len(buckets), 12, "buckets")
    equal(sorted(buckets), buckets, "bounds go up")
    equal(sorted(number for _, number in buckets), [number for _, number in buckets], "counts go up")
    count = value(families, "nsenterd_event_duration_seconds_count", message=message["message"])
    equal((count, buckets[-1]), (message["requests"], (float("inf"), message["requests"])), "count")
    outcomes = [number for _, labels, number in families["nsenterd_events"]["samples"] if labels["message"] == message["message"]]
    equal(sum(outcomes), message["requests"], "outcomes")
    # The median lies in the bucket in which half of all are.
    median = message["medianMicroseconds"] / 1e6
    below = [number for bound, number in buckets if bound < median * 8 / 9 - 1e-6]
    expect(not below or below[-1] <= count / 2, (median, buckets))
    total = value(families, "nsenterd_event_duration_seconds_sum", message=message["message"])
    expect(total >= median * count / 4, (total, median))


def counters_only_go_up_and_count_what_happens():
    with daemon(configuration="[logging]\nrate-limit = 3\n") as running, container() as pid:
        client = use(running, pid)
        before = parsed(metrics_of(client))
        os.kill(running.children()[0], signal.SIGKILL)
        wait_until(lambda: "error" not in client.read(pid, freshAgent=True), "a new fork server")
        for _ in range(5):
            client.read(os.getpid())
        after = parsed(metrics_of(client))
        for family in before.values():
            if family["type"] == "gauge":
                continue
            for name, labels, number in family["samples"]:
                expect(value(after, name, **labels) >= number, (name, labels))
        equal(value(after, "nsenterd_fork_server_restarts_total"), 1, "restarts")
        equal(value(after, "nsenterd_log_records_suppressed_total"), 3, "suppressed")


def the_command_prints_them():
    with daemon() as running:
        done = subprocess.run([os.environ["NSENTERCTL"], "--socket", running.socket, "metrics"], capture_output=True,
                              text=True, timeout=10)
        equal(done.returncode, 0, done.stderr)
        expect(done.stdout.endswith("# EOF\n"), done.stdout)
        parsed(done.stdout)


def a_file_is_what_the_older_parsers_read():
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "nsenterd.prom"
        with daemon(configuration=metrics_to(path, "50ms"), umask=0o077) as running, container() as pid:
            use(running, pid)
            wait_until(lambda: "readFileRequest" in path.read_text(), "the file")
            equal(path.stat().st_mode & 0o7777, 0o644, "mode")
            text = path.read_text()
            families = parsed(text, "prometheus")
            equal({family["type"] for family in families.values()}, {"counter", "gauge", "histogram"}, "types")
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
            equal((done.returncode, done.stdout + done.stderr), (0, ""), "promtool")
            # Whoever looks at any moment sees a whole text.
            end = time.monotonic() + 1
            while time.monotonic() < end:
                expect("\nnsenterd_open_descriptors " in path.read_text(), "half a text")
            equal(running.end(), 0, "exit status")
            equal(list(Path(directory).iterdir()), [], "what is left")


def a_file_that_cannot_be_written_is_said_once_until_it_works():
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "late" / "nsenterd.prom"
        with daemon("--log-format", "json", configuration=metrics_to(path, "20ms")) as running:
            running.wait_for("metrics_file_failed")
            time.sleep(0.3)
            path.parent.mkdir()
            running.wait_for("metrics_file_written")
            equal(len(running.records("metrics_file_failed")), 1, "records")
            equal(running.records("metrics_file_failed")[0]["errno"], 2, "errno")
            path.parent.rename(Path(directory) / "away")
            running.wait_for("metrics_file_failed", 2)


def no_link_is_followed():
    with tempfile.TemporaryDirectory() as directory:
        victim = Path(directory) / "victim"
        victim.write_text("precious")
        path = Path(directory) / "nsenterd.prom"
        path.symlink_to(victim)
        with daemon(configuration=metrics_to(path, "1ms")) as running:
            # Whenever the temporary file is gone there is a link again.
            temporary = f"{path}.{running.process.pid}"
            end = time.monotonic() + 2
            while time.monotonic() < end:
                with contextlib.suppress(FileExistsError):
                    os.symlink(victim, temporary)
            wait_until(lambda: not path.is_symlink() and "nsenterd_build_info" in path.read_text(), "the file")
        equal(victim.read_text(), "precious", "the link's target")


def node_exporter_shows_them():
    with tempfile.TemporaryDirectory() as directory, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        path = Path(directory) / "nsenterd.prom"
        with daemon(configuration=metrics_to(path)) as running:
            exporter = subprocess.Popen(
                ["prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
                 f"--collector.textfile.directory={directory}", f"--web.listen-address={address}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                shown = ""

                def answers():
                    nonlocal shown
                    try:
                        shown = urllib.request.urlopen(f"http://{address}/metrics", timeout=5).read().decode()
                        return True
                    except OSError:
                        return False

                wait_until(answers, "node_exporter")
            finally:
                exporter.kill()
                exporter.wait(10)
            families = parsed(shown, "prometheus")
            equal(value(families, "node_textfile_scrape_error"), 0, "errors")
            equal(value(families, "nsenterd_fork_server_restarts_total"), 0, "restarts")
            equal(families["nsenterd_fork_server_restarts"]["type"], "counter", "type")
            equal(running.end(), 0, "exit status")


def the_dashboard_asks_for_what_there_is():
    dashboard = json.loads((SOURCE / "docs/grafana/nsenterd.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked = {name for query in queries for name in re.findall(r"\bnsenterd_\w+", query)}
    expect(len(asked) > 8, asked)
    with daemon() as running, container() as pid:
        client = use(running, pid)
        # One more than a user may have.
        others = [running.client() for _ in range(256)]
        wait_until(lambda: 'limit="connections"' in metrics_of(client), "a refusal with its limit")
        families = parsed(metrics_of(client))
        for other in others:
            other.close()
        samples = {name for family in families.values() for name, _, _ in family["samples"]}
        labels = {label for family in families.values() for _, found, _ in family["samples"] for label in found}
        equal(asked - samples, set(), "metrics that are not there")
        used = {label for query in queries for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(", ")}
        equal(used - labels - {"instance"}, set(), "labels that are not there")
    identifiers = [panel["id"] for panel in dashboard["panels"]]
    equal(len(set(identifiers)), len(identifiers), "panels")


def the_documentation_lists_them_all():
    page = (SOURCE / "docs/observability.md").read_text()
    with daemon() as running, container() as pid:
        families = parsed(metrics_of(use(running, pid)))
        names = {{"counter": f"{name}_total", "info": f"{name}_info"}.get(family["type"], name)
                 for name, family in families.items()}
    equal(set(re.findall(r"^\| `(nsenterd_\w+)", page, re.M)), names, "metrics in docs/observability.md")


def the_documentation_lists_all_records():
    page = (SOURCE / "docs/observability.md").read_text()
    header = (SOURCE / "src/daemon/log_record.hpp").read_text()
    kinds = set(re.findall(r'\{"(\w+)", "([0-9a-f]{32})"', header))
    equal(len(kinds), 20, "kinds")
    equal(len({identifier for _, identifier in kinds}), 20, "message ids")
    equal(set(re.findall(r"^\| `(\w+)` \| `([0-9a-f]{32})`", page, re.M)), kinds, "records in docs/observability.md")
    fields = set(re.findall(r'\{"(\w+)", "(\w+)", (?:true|false)\}', header))
    equal(set(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", page, re.M)) - kinds, fields, "fields in docs/observability.md")


if __name__ == "__main__":
    run([the_strict_parser_reads_them_and_they_agree_with_the_statistics, counters_only_go_up_and_count_what_happens,
         the_command_prints_them, a_file_is_what_the_older_parsers_read,
         a_file_that_cannot_be_written_is_said_once_until_it_works, no_link_is_followed, node_exporter_shows_them,
         the_dashboard_asks_for_what_there_is, the_documentation_lists_them_all, the_documentation_lists_all_records])
