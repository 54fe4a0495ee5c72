#!/usr/bin/env python3
"""Loads the completions of nsenterctl into bash, zsh and fish, and presses the tabulator key.

usage: completions_test.py NSENTERCTL NSENTERD AGENT BASH ZSH FISH    (the last three are the completions)
"""
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

# A shell that hangs is a failure, not a wait.
PATIENCE = 30
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"


class Failed(Exception):
    """What is wrong, for a person to read."""


def expect(fulfilled, what):
    if not fulfilled:
        raise Failed(what)


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        expect(time.monotonic() < end, what)
        time.sleep(0.02)


def output_of(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=PATIENCE, **options)
    expect(done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


# --- the shells: what each makes of a line


class Bash:
    name = "bash"

    def __init__(self, file):
        self.file = file

    def complete(self, line):
        words = line.split(" ")
        script = (f". {BASH_COMPLETION}; . {self.file} || exit 1; COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'\n"
                  # Outside of a line that is edited there are no options of the completion under way.
                  "compopt() { :; }\n"
                  f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}\n"
                  f"COMP_WORDS=({' '.join(map(shlex.quote, words))})\n"
                  "_nsenterctl; printf '%s\\n' \"${COMPREPLY[@]}\"")
        return set(output_of(["bash", "--norc", "-c", script]).split())


class Fish:
    name = "fish"

    def __init__(self, file):
        self.file = file

    def complete(self, line):
        said = output_of(["fish", "--no-config", "-c", f"source {self.file}; complete -C {shlex.quote(line)}"])
        return {text.split("\t")[0].rstrip() for text in said.splitlines()}


class Zsh:
    """There is no asking zsh but by typing. What it makes of the line is one candidate, or several with the line as it was."""
    name = "zsh"

    def __init__(self, file):
        self.file = file

    def complete(self, line):
        with tempfile.TemporaryDirectory(prefix="nsenterd-zsh-") as home:
            functions = Path(home) / "functions"
            functions.mkdir()
            (functions / "_nsenterctl").write_text(Path(self.file).read_text())
            pid, terminal = pty.fork()
            if pid == 0:
                os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "HOME": home, "TERM": "xterm", "COLUMNS": "300"})
            try:
                return self.typed(terminal, functions, line)
            finally:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
                os.close(terminal)

    def typed(self, terminal, functions, line):
        os.write(terminal, (f"PS1= ; stty cols 300; fpath=({functions} $fpath); autoload -U compinit; compinit -u -D; setopt no_beep; "
                            "show() { print -r -- \"<$BUFFER>\" }; zle -N show; bindkey '^X^P' show; echo rea''dy\n").encode())
        self.read_until(terminal, rb"ready\r?\n")
        os.write(terminal, line.encode() + b"\t\x18\x10")
        found = self.read_until(terminal, rb"<(nsenterctl [^>]*)>")
        return {found.group(1).decode().rstrip().split(" ")[-1]}

    @staticmethod
    def read_until(terminal, pattern):
        said = b""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, said)):
            readable, _, _ = select.select([terminal], [], [], max(end - time.monotonic(), 0))
            expect(readable, f"zsh says {said!r}")
            said += os.read(terminal, 4096)
        return found


# --- the checks


def listed(program, path=()):
    """The commands and options that --help lists."""
    text = output_of([program, *path, "--help"])
    for names in re.findall(r"^  (-[\w,-]+)", text, re.MULTILINE):
        yield from ((path, name) for name in names.split(","))
    _, _, commands = text.partition("\nSubcommands:\n")
    for command in re.findall(r"^  (\w\S*)", commands.partition("\n\n")[0], re.MULTILINE):
        yield path, command
        yield from listed(program, (*path, command))


def check_all_is_there(shells, program):
    """Every command and option, where it belongs: asked of the shells that can be asked, and seen in zsh's."""
    by_place = {}
    for path, name in listed(program):
        by_place.setdefault((path, name.startswith("-")), set()).add(name)
    expect(len(by_place) > 20, f"--help lists {by_place}")
    for (path, is_option), names in by_place.items():
        line = " ".join(["nsenterctl", *path, "-" if is_option else ""])
        for shell in shells:
            if isinstance(shell, Zsh):
                text = Path(shell.file).read_text()
                function = text.partition("\n" + "_".join(("_nsenterctl_of", *path)) + "() {")[2].partition("\n}")[0]
                found = {name for name in names if f"'{name}" in function}
            else:
                found = shell.complete(line)
                if is_option:
                    found |= shell.complete(line + "-")
            expect(names <= found, f"{shell.name}: {line!r} completes {sorted(found)}, not {sorted(names - found)}")


@contextmanager
def event_under_way(program, daemon, agent, directory):
    """A daemon's socket, and the name of an event there."""
    socket = str(directory / "socket")
    with ExitStack() as stack:
        def start(*command):
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        start(daemon, "--socket", socket, "--agent", agent)
        wait_for(lambda: os.path.exists(socket), "the daemon does not start")
        target = start("unshare", "--mount", "sleep", "60")
        wait_for(lambda: Path(f"/proc/{target.pid}/comm").read_text() == "sleep\n", "the target does not start")
        start(program, "--socket", socket, "--timeout", "1m", "request", str(target.pid), '{"message":"sleepRequest","payload":{"attr":"60"}}')
        events = []

        def is_there():
            events[:] = re.findall(r'"event":"(\d+)"', output_of([program, "--socket", socket, "events", "--json"]))
            return events

        wait_for(is_there, "no event")
        yield socket, events[0]


def check_values(shells, socket, event):
    pid = str(os.getpid())
    cases = [
        ("nsenterctl readl", "readlink"), ("nsenterctl xattr rem", "remove"), ("nsenterctl read --private-p", "--private-proc"),
        ("nsenterctl --timeout 1s statu", "status"),
        ("nsenterctl read --namespace user,ne", "user,net"), ("nsenterctl --color ne", "never"), ("nsenterctl --color=ne", "never"),
        ("nsenterctl open --resolve ben", "beneath"),
        (f"nsenterctl read {pid[:-1]}", pid), ("nsenterctl read 1 /etc/hostn", "/etc/hostname"),
        ("nsenterctl mount --as 1 1 /etc/hostn", "/etc/hostname"),
        ("nsenterctl chown 1 0:0 /etc/passwd /etc/hostn", "/etc/hostname"), ("nsenterctl --root /etc/systemd/syste", "/etc/systemd/system/"),
        ("nsenterctl open 1 /etc/passwd mountpoin", "mountpoint"),
        (f"nsenterctl --socket {socket} terminate ", event), (f"nsenterctl terminate --socket={socket} ", event),
    ]
    for shell in shells:
        for line, wanted in cases:
            # Some shells go on to the next of a list, or of a path.
            found = {value.removeprefix("--color=").rstrip("/,") for value in shell.complete(line)}
            # Of several numbers that begin alike there may be more.
            if isinstance(shell, Zsh) and wanted == pid:
                continue
            expect(wanted.rstrip("/") in found, f"{shell.name}: {line!r} completes {sorted(found)}, not {wanted}")
        for line in ("nsenterctl events ", "nsenterctl read 1 / /etc/hostn", "nsenterctl id 1 ro"):
            # zsh goes on to options where there is nothing else.
            found = shell.complete(line) - {line.split(" ")[-1], "events", "-"}
            expect(not found, f"{shell.name}: {line!r} completes {sorted(found)}")


def main():
    program, daemon, agent, *files = (str(Path(argument).resolve()) for argument in sys.argv[1:])
    missing = [name for name in ("bash", "zsh", "fish") if not shutil.which(name)]
    if missing or not os.path.exists(BASH_COMPLETION):
        print(f"not installed: {missing or 'bash-completion'}")
        sys.exit(77)
    shells = [kind(file) for kind, file in zip((Bash, Zsh, Fish), files)]
    with tempfile.TemporaryDirectory(prefix="nsenterd-completions-") as name:
        directory = Path(name)
        # The completions ask what is called so.
        (directory / "nsenterctl").symlink_to(program)
        os.environ["PATH"] = f"{directory}:{os.environ['PATH']}"
        try:
            check_all_is_there(shells, program)
            with event_under_way(program, daemon, agent, directory) as (socket, event):
                check_values(shells, socket, event)
        except Failed as failure:
            sys.exit(f"FAILED: {failure}")
    print("ok: every command and option, and the values that can be told")


if __name__ == "__main__":
    main()
