#!/usr/bin/env python3
"""100,000 calls with hostile strings in every field: one record each, and none that a client has made up."""
import json
import re
import threading

from support import AUDIT_EVERYTHING, Client, UNSAFE, daemon, equal, escaped, expect, run, wait_until

CALLS = 100_000
# So few at a time that none can be dropped from the daemon's queue.
BATCH = 2000

HOSTILE = [
    "\n", "a\nb", "\r\n", "\x1b[2J\x1b[31m", "\x00", "a\x00MESSAGE=x", "\u2028", "\u2029x", "\u202eexe.txt", "\u200f",
    "\u2066a\u2069", "\u061c", "\x85\x9b31m", "\x7f", "MESSAGE=", "x\nMESSAGE=forged", "\nMESSAGE_ID=8f7f30082bed4b65818c63b51ebc851a\n",
    "\nPRIORITY=0\nERRNO=0", "\"", "\\", "\\\"", "\\n", "\" error=none \"", "a=b", "a b c", "'", "", " ", "\t", "{}", "\",\"kind\":\"ended",
    "2026-01-01T00:00:00.000+00:00 info ended", "x\n2026-01-01T00:00:00.000+00:00 info ended", "\\...", "%s%n{}", "日本語", "é\n",
    "\U0001f600", "A" * 4096, "é" * 2048, "\n" * 4096, "\x1b" * 255 + "\u202e", "A" * 255 + "é", "A" * 256, "A" * 257, "\ufffd\ufffe",
]

KEYS = {"time", "level", "kind", "message_id", "message", "peer_pid", "peer_uid", "peer_gid", "method", "event", "request",
        "target_pid", "reason", "error", "parameter", "limit", "step", "errno", "duration_usec"}
VALUE = r'(?:[^ "=\\]|\\[^"])+|"(?:[^"\\]|\\.)*"'
LINE = re.compile(r"[\d-]{10}T[\d:.]{12}[+-][\d:]{5} (info|warning) call (answered|denied)((?: [a-z_]+=(?:" + VALUE + "))+)")
FIELD = re.compile(r" ([a-z_]+)=(" + VALUE + ")")


def send(number):
    """The call of this number, and the fields that it leaves in its record."""
    text = HOSTILE[number % len(HOSTILE)]
    method, request = "io.nsenterd.SendRequest", {"message": "readFileRequest", "payload": {"file": "/", "offset": 0, "len": 1}}
    base = {"pid": 1, "namespace": ["net"], "request": request}
    kind = number // len(HOSTILE) % 9
    name = "InvalidParameter"
    fields = {"request": "readFileRequest"}
    if kind == 0:
        base["request"] = {"message": text, "payload": {}}
        # An empty one is no message at all.
        fields = {"request": text} if text else {}
    elif kind == 1:
        # What is unknown is not looked at; process 1 is the host's.
        request["payload"]["x" + text] = 1
        name = "PermissionDenied"
    elif kind == 2:
        request["payload"]["file"] = 1
        request["payload"]["x" + text] = text
    elif kind == 3:
        method, base, name = "io.nsenterd.TerminateRequest", {"event": text}, "NoSuchEvent"
        fields = {"event": text}
    elif kind == 4:
        # Without a method it would be no call.
        method, base, name = text or "x", {}, "NotFound"
        fields = {}
    elif kind == 5:
        method, base, name = "io.nsenterd.x" + text, {}, "NotFound"
        fields = {}
    elif kind == 6:
        base["x" + text] = 1
        fields = {"parameter": "x" + text}
    elif kind == 7:
        base["namespace"] = [text]
        fields = {"parameter": "namespace[0]"}
    else:
        del base["pid"]
        base["targetEvent"] = text
        name = "InvalidParameter" if "\0" in text else "NoSuchEvent"
        fields = {} if "\0" in text else fields
    return {"method": method, "parameters": base}, name, {"method": method, **fields}


def check(fields, name, expected):
    expect(fields["error"].endswith(name), (fields, name))
    for key, value in expected.items():
        equal(fields.get(key), escaped(value), key)


def fields_of_text(line):
    match = LINE.fullmatch(line)
    expect(match, f"not a record: {line!r}")
    found = FIELD.findall(match.group(3))
    fields = dict(found)
    equal(len(found), len(fields), "fields that are there once")
    expect(set(fields) <= KEYS, fields)
    return {key: value[1:-1].replace('\\"', '"') if value.startswith('"') else value for key, value in fields.items()}


def fields_of_json(line):
    pairs = []
    record = json.loads(line, object_pairs_hook=lambda found: pairs.extend(found) or dict(found))
    equal(len(pairs), len(record), "members that are there once")
    expect(set(record) <= KEYS and record["kind"] in ("call_answered", "call_denied"), record)
    return record


def every_call_has_one_record(log_format, fields_of, calls):
    with daemon("--log-format", log_format, configuration=AUDIT_EVERYTHING) as running:
        client = running.client()
        with open(running.log_file, "rb") as log:
            wait_until(lambda: b" ready" in running.log_file.read_bytes() or b'"ready"' in running.log_file.read_bytes(), "start")
            log.read()
            for first in range(0, calls, BATCH):
                batch = [send(number) for number in range(first, min(calls, first + BATCH))]
                # The daemon reads no further while its replies are not read.
                sender = threading.Thread(target=client.send, args=[call for call, _, _ in batch])
                sender.start()
                replies = client.receive_all(len(batch))
                sender.join()
                data = b""

                def all_written():
                    nonlocal data
                    data += log.read()
                    return data.count(b"\n") >= len(batch)

                wait_until(all_written, f"{len(batch)} records")
                lines = data.decode().split("\n")
                equal((len(lines), lines[-1]), (len(batch) + 1, ""), "lines")
                for (call, name, expected), reply, line in zip(batch, replies, lines):
                    expect(reply["error"].endswith(name), (call, reply))
                    expect(not UNSAFE.search(line), f"unsafe: {line!r}")
                    check(fields_of(line), name, expected)
        equal(running.end(), 0, "exit status")
        rest = running.log_file.read_bytes().count(b"\n")
        equal(rest, calls + 4, "all records")


def json_has_one_record_for_each_of_100000_calls():
    every_call_has_one_record("json", fields_of_json, CALLS)


def text_has_one_line_for_each_of_100000_calls():
    every_call_has_one_record("text", fields_of_text, CALLS)


def what_is_no_call_has_one_record_each():
    wrong = [b"{\"method\":\"\xff\xfe\"}\0", b"{\"a\nb\":1}\0", b"{\"method\":\"x\",\"\\nMESSAGE=\":1}\0", b"\n\n\n\0", b"\x1b\0",
             b"{\"method\":\"x\",\"method\":\"y\"}\0", b"[" * 100 + b"\0", b"{\"method\":\"\xed\xa0\x80\"}\0"]
    with daemon("--log-format", "json", configuration=AUDIT_EVERYTHING) as running:
        for number in range(200):
            client = Client(running.socket)
            client.socket.sendall(wrong[number % len(wrong)])
            reply = client.receive()
            expect(reply and reply["error"].endswith("InvalidParameter"), reply)
            expect(client.receive() is None, "the connection goes on")
            client.close()
        records = running.wait_for("connection_refused", 200)
        equal(len(records), 200, "records")
        equal(running.end(), 0, "exit status")
        equal(len(running.records()), 204, "all records")
        for number, record in enumerate(records):
            expect(not UNSAFE.search(json.dumps(record, ensure_ascii=False)), record)
            expect(record["parameter"], (number, record))


if __name__ == "__main__":
    run([json_has_one_record_for_each_of_100000_calls, text_has_one_line_for_each_of_100000_calls, what_is_no_call_has_one_record_each])
