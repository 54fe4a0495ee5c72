#!/usr/bin/env python3
"""A client that does what docs/deployment.md tells clients to do, so that a restart loses no request and runs none twice.

usage: client.py SOCKET PID DIRECTORY

Until its standard input ends it creates one file after the other in the container of PID, each with O_EXCL. Prints as JSON how
many were answered, how many connections it took again, and what went wrong.
"""
import json
import os
import select
import socket
import sys

CLIENTS = 4
NAMESPACES = ["mnt", "pid", "net", "ipc", "uts", "cgroup"]
TIMEOUT = 30


def request(pid, path):
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    payload = {"file": path, "flags": str(flags), "mode": str(0o600)}
    return {"method": "io.nsenterd.SendRequest",
            "parameters": {"pid": pid, "namespace": NAMESPACES, "request": {"message": "openFileRequest", "payload": payload}}}


class Client:
    def __init__(self, path):
        self.path = path
        self.socket = None

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(TIMEOUT)
        # A connection that is refused is a failure: somebody listens all the time.
        self.socket.connect(self.path)

    def answer(self, call):
        """The reply; None where there is none and the call was not begun, which is for a new connection then."""
        if self.socket is None:
            self.connect()
        reply = b""
        try:
            self.socket.sendall(json.dumps(call).encode() + b"\0")
            while not reply.endswith(b"\0"):
                received = self.socket.recv(65536)
                if not received:
                    break
                reply += received
        except (BrokenPipeError, ConnectionResetError):
            pass
        if reply:
            reply = json.loads(reply[:-1])
            if reply.get("parameters") != {"limit": "draining"}:
                return reply
        self.socket.close()
        self.socket = None
        return None


def main():
    path, pid, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    counts = {"answered": 0, "repeated": 0, "wrong": []}
    # Some stay connected, and one comes anew for every request.
    clients = [Client(path) for _ in range(CLIENTS)]
    number = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        client = clients[number % CLIENTS]
        if client is clients[0] and client.socket is not None:
            client.socket.close()
            client.socket = None
        call = request(pid, f"{directory}/{number}")
        reply = client.answer(call)
        while reply is None:
            counts["repeated"] += 1
            reply = client.answer(call)
        if "error" in reply or reply["parameters"]["response"]["message"] != "openFileResponse":
            counts["wrong"].append(reply)
        counts["answered"] += 1
        number += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
