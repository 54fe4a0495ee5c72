#!/usr/bin/env python3
"""Records in the journal, byte by byte: in a mount namespace of its own, this test is the journal."""
import contextlib
import os
import re
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from hostile_test import HOSTILE, send
from support import AUDIT_EVERYTHING, UNSAFE, daemon, equal, escaped, expect, run

SOCKET = Path("/run/systemd/journal/socket")
JOURNAL = ("--log-format", "journal")
FIELDS = {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE_ID", "NSENTERD_KIND", "NSENTERD_VERSION", "NSENTERD_REASON", "NSENTERD_SOCKET",
          "NSENTERD_SIGNAL", "NSENTERD_PEER_PID", "NSENTERD_PEER_UID", "NSENTERD_PEER_GID", "NSENTERD_METHOD", "NSENTERD_EVENT",
          "NSENTERD_MESSAGE", "NSENTERD_TARGET_PID", "NSENTERD_ERROR", "NSENTERD_PARAMETER", "NSENTERD_DURATION_USEC", "NSENTERD_COUNT"}


def entry_of(datagram):
    """The fields of an entry (systemd's Native Journal Protocol)."""
    pairs = []
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length = struct.unpack("<Q", datagram[:8])[0]
            value, datagram = datagram[8:8 + length], datagram[8 + length + 1:]
        pairs.append((name.decode(), value.decode()))
    entry = dict(pairs)
    equal(len(entry), len(pairs), "fields that are there once")
    expect(set(entry) <= FIELDS, entry)
    expect(not any(UNSAFE.search(value) for value in entry.values()), entry)
    expect(re.fullmatch("[0-9a-f]{32}", entry["MESSAGE_ID"]), entry)
    return entry


class Journal:
    def __init__(self):
        with contextlib.suppress(FileNotFoundError):
            SOCKET.unlink()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(SOCKET))
        self.socket.settimeout(10)

    def next(self):
        return entry_of(self.socket.recv(1 << 20))

    def close(self):
        self.socket.close()


def records_are_entries_with_their_fields():
    with contextlib.closing(Journal()) as journal, daemon(*JOURNAL) as running:
        equal(journal.next()["NSENTERD_KIND"], "starting", "kind")
        ready = journal.next()
        equal((ready["NSENTERD_SOCKET"], ready["PRIORITY"], ready["SYSLOG_IDENTIFIER"]),
              (str(running.socket), "6", "nsenterd"), "ready")
        client = running.client()
        client.read(os.getpid())
        denied = journal.next()
        for field, value in {"NSENTERD_KIND": "call_denied", "PRIORITY": "4", "NSENTERD_PEER_UID": "0",
                             "NSENTERD_PEER_PID": str(os.getpid()), "NSENTERD_TARGET_PID": str(os.getpid()),
                             "NSENTERD_MESSAGE": "readFileRequest", "NSENTERD_METHOD": "io.nsenterd.SendRequest",
                             "NSENTERD_ERROR": "org.varlink.service.PermissionDenied"}.items():
            equal(denied[field], value, field)
        expect(denied["MESSAGE"].startswith("call denied peer_pid="), denied)
        equal(running.end(), 0, "exit status")
        equal([journal.next()["NSENTERD_KIND"] for _ in range(2)], ["ending", "ended"], "kinds")
        equal(running.log(), "", "standard error")


def no_string_makes_a_field():
    with contextlib.closing(Journal()) as journal, \
            daemon(*JOURNAL, configuration=AUDIT_EVERYTHING) as running:
        journal.next(), journal.next()
        client = running.client()
        names = {"method": "NSENTERD_METHOD", "request": "NSENTERD_MESSAGE", "event": "NSENTERD_EVENT",
                 "parameter": "NSENTERD_PARAMETER"}
        for number in range(9 * len(HOSTILE)):
            call, name, expected = send(number)
            client.send(call)
            client.receive()
            entry = journal.next()
            expect(entry["NSENTERD_KIND"] in ("call_answered", "call_denied"), entry)
            expect(entry["NSENTERD_ERROR"].endswith(name), entry)
            for key, value in expected.items():
                equal(entry.get(names[key]), escaped(value), key)


def a_journal_that_takes_nothing_holds_up_nobody():
    with contextlib.closing(Journal()), daemon(*JOURNAL, configuration=AUDIT_EVERYTHING) as running:
        client = running.client()
        started = time.monotonic()
        for _ in range(10):
            client.send(*[{"method": "org.varlink.service.GetInfo"}] * 500)
            client.receive_all(500)
        expect(time.monotonic() - started < 10, "the daemon waits for the journal")
        equal(running.end(), 0, "exit status")


def the_journal_is_taken_where_standard_error_leads_to_it():
    for wrong in (0, 1):
        reader, writer = os.pipe()
        status = os.fstat(writer)
        stream = f"{status.st_dev}:{status.st_ino + wrong}"
        with contextlib.closing(Journal()) as journal, \
                daemon(stderr=writer, environment={"JOURNAL_STREAM": stream}) as running:
            os.close(writer)
            if not wrong:
                equal(journal.next()["NSENTERD_KIND"], "starting", "kind")
            equal(running.end(), 0, "exit status")
            text = os.read(reader, 65536)
            equal(text.count(b"\n"), 4 if wrong else 0, "lines of text")
        os.close(reader)


def without_a_journal_none_is_taken_for_one():
    SOCKET.unlink()
    done = subprocess.run([os.environ["NSENTERD"], *JOURNAL], capture_output=True, text=True, timeout=10)
    equal(done.returncode, 1, "exit status")
    expect("there is no journal" in done.stderr, done.stderr)


def main():
    if os.environ["HAS_JOURNAL"] == "0":
        print("skipped: built without libsystemd")
        return
    if "NSENTERD_TEST_INSIDE" not in os.environ:
        os.environ["NSENTERD_TEST_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, __file__])
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    SOCKET.parent.mkdir(parents=True)
    run([records_are_entries_with_their_fields, no_string_makes_a_field, a_journal_that_takes_nothing_holds_up_nobody,
         the_journal_is_taken_where_standard_error_leads_to_it, without_a_journal_none_is_taken_for_one])


if __name__ == "__main__":
    main()
