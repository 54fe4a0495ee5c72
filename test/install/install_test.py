#!/usr/bin/env python3
"""Installs the build into a directory of its own and uses the library as a stranger does, with nothing but pkg-config.

usage: install_test.py symbols|headers|programs|manual --meson MESON --build DIR --source DIR ... -- COMPILER ...
"""
import argparse
import base64
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
# A program that hangs is a failure, not a wait.
PATIENCE = 60


class Failed(Exception):
    """What is wrong, for a person to read."""


def expect(fulfilled, what):
    if not fulfilled:
        raise Failed(what)


def output_of(command, **options):
    """What a command prints; Failed with what it says if it fails."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE, **options)
    expect(done.returncode == 0, f"{' '.join(map(str, command))}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def at_once(function, arguments):
    """Calls a function for each argument, two at a time; Failed with all that went wrong."""
    def guarded(argument):
        try:
            function(*argument)
        except Failed as failure:
            return str(failure)
        return None

    with ThreadPoolExecutor(2) as pool:
        failures = [failure for failure in pool.map(guarded, arguments) if failure]
    expect(not failures, "\n".join(failures))


class Installation:
    """The build, installed below a directory."""

    def __init__(self, options, directory):
        self.options = options
        self.root = directory / "root"
        output_of([options.meson, "install", "-C", options.build, "--no-rebuild", "--destdir", self.root])
        self.prefix = self.root / options.prefix.lstrip("/")
        self.lib = self.prefix / options.libdir
        self.agent = self.prefix / options.libexecdir / "nsenter-agent"
        self.headers = self.prefix / "include" / "nsenterd"

    def shared_library(self):
        return self.lib / f"libnsenterd.so.{self.options.version}"

    def soname(self):
        return f"libnsenterd.so.{self.options.abi}"

    def pkg_config(self, *arguments):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.lib / "pkgconfig"),
                       "PKG_CONFIG_SYSROOT_DIR": str(self.root)}
        return output_of(["pkg-config", *arguments, "nsenterd"], env=environment).split()


# --- symbols


def exported(library):
    """The type, the name without parameters, and the version of what a library exports."""
    for line in output_of(["nm", "-DC", "--defined-only", library]).splitlines():
        kind, name = line[17:].split(" ", 1)
        name, _, version = name.partition("@@")
        # With the parameters goes what tells overloads apart, and what other libraries' types are called in this version of theirs.
        yield kind, name.partition("(")[0].replace("[abi:cxx11]", ""), version


# What Boost.Asio keeps for a thread. Where the library has it for itself, Asio's functions in the library do not find what those
# in the program have left: they take a null pointer for the thread's own data (scheduler::compensating_work_started).
ASIO_STATE = re.compile(r"boost::asio::detail::(call_stack<.*>::top_|keyword_tss_ptr<.*>::value_)$")


def check_exports(installation):
    """Exactly what symbols.txt says, and what Asio needs."""
    version = f"NSENTERD_{installation.options.abi}"
    expected = set((HERE / "symbols.txt").read_text().splitlines())
    found = set()
    for kind, name, its_version in exported(installation.shared_library()):
        if kind == "A" and name == version:
            continue
        expect(its_version == version, f"{name} has version {its_version!r}")
        if ASIO_STATE.match(name):
            expect(kind in "uVvWw", f"{name} is of kind {kind}, not to be shared with the program")
        else:
            found.add(name)
    missing, more = expected - found, found - expected
    expect(not missing and not more, "\n".join([f"not exported: {name}" for name in sorted(missing)] +
                                              [f"exported, but not in symbols.txt: {name}" for name in sorted(more)]))


def check_asio_state(installation):
    """No state of a thread's that only the library sees."""
    shared = {name for _, name, _ in exported(installation.shared_library())}
    names = {line[19:] for line in output_of(["nm", "-C", installation.shared_library()]).splitlines()}
    state = {name.partition("@@")[0] for name in names if ASIO_STATE.match(name.partition("@@")[0])}
    expect(state, "no state of Asio's at all: this test looks for the wrong names")
    expect(state <= shared, f"not exported: {sorted(state - shared)}")


def check_dynamic_section(installation):
    library = installation.shared_library()
    dynamic = output_of(["readelf", "-dW", library])
    expect(f"soname: [{installation.soname()}]" in dynamic, "another soname\n" + dynamic)
    expect("NODELETE" in dynamic, "may be unloaded")
    expect("TEXTREL" not in dynamic, "has text relocations")
    expect("RPATH" not in dynamic and "RUNPATH" not in dynamic, "has a path of the build")
    for link in (installation.soname(), "libnsenterd.so"):
        expect((installation.lib / link).resolve() == library.resolve(), f"{link} leads somewhere else")


def check_constructor(installation):
    """The fork server's constructor is in both libraries, of the first priority there is."""
    sections = output_of(["readelf", "-SW", installation.lib / "libnsenterd.a"])
    expect(re.search(r"\.init_array\.0*101\b", sections), "no constructor in libnsenterd.a")
    names = output_of(["nm", "-C", installation.shared_library()])
    expect("nsexec(int, char**, char**)" in names, "no constructor in the shared library")


# --- headers


def compilers(options):
    """Those that there are: the build's own, and the other one."""
    found = {"gcc": shutil.which("g++"), "clang": shutil.which("clang++-14") or shutil.which("clang++")}
    found = [[path] for path in found.values() if path]
    return found or [options.compiler]


def compile_header_text(installation, compiler, standard, text):
    command = [*compiler, f"-std={standard}", *WARNINGS, "-fsyntax-only", "-x", "c++", "-",
               *installation.pkg_config("--cflags")]
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=PATIENCE)
    expect(done.returncode == 0, f"{' '.join(command)}\n{text}{done.stdout}")


def check_all_headers_installed(installation):
    there = {path.name for path in installation.headers.iterdir()}
    ours = {path.name for path in (Path(installation.options.source) / "include" / "nsenterd").glob("*.hpp")}
    expect(there == ours, f"installed {sorted(there)}, not {sorted(ours)}")


def check_each_header(installation):
    """On its own, and twice. With the build's own compiler: there is a build with each."""
    headers = sorted(path.name for path in installation.headers.iterdir())
    at_once(compile_header_text, [(installation, installation.options.compiler, "c++20",
                                   f"#include <nsenterd/{header}>\n" * 2) for header in headers])


def check_other_compilers(installation):
    """All headers at once, and with a newer standard."""
    headers = sorted(path.name for path in installation.headers.iterdir())
    text = "".join(f"#include <nsenterd/{header}>\n" for header in headers)
    at_once(compile_header_text, [(installation, compiler, standard, text) for standard in ("c++20", "c++2b")
                                  for compiler in compilers(installation.options)])


def check_older_standard(installation):
    """Is refused, in words."""
    for compiler in compilers(installation.options):
        try:
            compile_header_text(installation, compiler, "c++17", "#include <nsenterd/api.hpp>\n")
        except Failed as failure:
            expect("nsenterd needs C++20" in str(failure), str(failure))
        else:
            raise Failed("C++17 is taken")


# --- programs


INSIDE = """
import fcntl, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
print("ready", flush=True)
for line in sys.stdin:
    try:
        with socket.create_connection(("127.0.0.1", int(line)), 10) as connection:
            print(connection.makefile().readline().strip(), flush=True)
    except OSError as error:
        print(error, flush=True)
"""


@contextlib.contextmanager
def container():
    """A process in namespaces of its own, with a file that nobody else sees, which connects to the ports that it is told."""
    script = 'mount -t tmpfs none /mnt && echo "only inside" >/mnt/file && exec "$0" -c "$1"'
    command = ["unshare", "--net", "--uts", "--ipc", "--mount", "sh", "-c", script, sys.executable, INSIDE]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        expect(process.stdout.readline() == "ready\n", "no namespaces of its own")
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def daemon(installation):
    """The installed daemon, and the path of its socket."""
    with tempfile.TemporaryDirectory(prefix="nsenterd-daemon-") as directory:
        path = Path(directory) / "socket"
        # Not that of the machine.
        configuration = Path(directory) / "nsenterd.toml"
        configuration.touch()
        process = subprocess.Popen([installation.prefix / "sbin" / "nsenterd", "--agent", installation.agent, "--socket", path,
                                    "--config", configuration, "--log-level", "off"], stdin=subprocess.DEVNULL)
        try:
            end = time.monotonic() + PATIENCE
            while not path.exists():
                expect(process.poll() is None and time.monotonic() < end, "the daemon does not serve its socket")
                time.sleep(0.01)
            yield path
        finally:
            process.terminate()
            process.wait(PATIENCE)


class Application:
    """A program somewhere else, linked in one of the ways that there are."""

    def __init__(self, installation, directory):
        self.installation = installation
        self.directory = directory
        options = installation.options
        self.sanitize = [] if options.sanitize == "none" else [f"-fsanitize={options.sanitize}"]
        for folder in ("bin", "lib", "other"):
            (directory / folder).mkdir()
        # Where the program looks, not where the library was when the program was linked. And one that is not to be taken.
        for folder in ("lib", "other"):
            shutil.copy(installation.shared_library(), directory / folder / installation.soname())

    def compile(self, source):
        command = [*self.installation.options.compiler, "-std=c++20", "-g0", "-O0", "-fPIE", *WARNINGS, *self.sanitize,
                   *self.installation.pkg_config("--cflags"), "-c", source,
                   "-o", self.directory / f"{source.stem}.o"]
        output_of(command, cwd=self.directory)

    def make_neighbour(self):
        """Another library, which lies next to another libnsenterd."""
        output_of([*self.installation.options.compiler, "-shared", "-o", self.directory / "other" / "libneighbour.so",
                   "-x", "c++", "/dev/null"])

    def link(self, name, way, arguments):
        """The program, linked anew."""
        program = self.directory / "bin" / f"{name}-{way}"
        output_of([*self.installation.options.compiler, *self.sanitize, self.directory / f"{name}.o",
                   "-o", program, *arguments], cwd=self.directory)
        return program


def ways_to_link(application):
    """Each with its arguments, the environment to run in, and whether the library is a file of its own then."""
    installation = application.installation
    shared = installation.pkg_config("--libs")
    static = installation.pkg_config("--static", "--libs")
    ways = {
        # Found by the program's own path, which a copy of the program does not have.
        "origin": ([*shared, "-Wl,-rpath,$ORIGIN/../lib"], {}, True),
        # The same, but the copy sees the neighbour's directory first.
        "neighbour": (["-Wl,--no-as-needed", f"-L{application.directory}/other", "-lneighbour", *shared,
                       "-Wl,-rpath,$ORIGIN/../lib:$ORIGIN/../other"], {}, True),
        # Found by the environment only.
        "environment": (shared, {"LD_LIBRARY_PATH": "LIB"}, True),
        "archive": (["-Wl,-Bstatic", *static, "-Wl,-Bdynamic"], {}, False),
    }
    # A sanitizer's runtime cannot be linked that way.
    if installation.options.sanitize == "none":
        ways["static-pie"] = (["-static-pie", *static], {}, False)
    return ways


def run_listen_inside(program, environment, inside):
    port = "4711"
    process = subprocess.Popen([program, str(inside.pid), port], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        first = process.stdout.readline()
        expect(first.startswith("waiting"), f"{program}: {first}{process.stdout.read() if not first else ''}")
        inside.stdin.write(port + "\n")
        inside.stdin.flush()
        greeting = inside.stdout.readline()
        expect(greeting == "hello from outside\n", f"{program}: the container heard {greeting!r}")
        expect(process.wait(PATIENCE) == 0, f"{program}: status {process.returncode}")
    finally:
        process.kill()
        process.communicate()


def run_read_file(program, environment, inside, agent):
    answer = output_of([program, inside.pid, "/mnt/file", agent], env=environment)
    expect(b"only inside\n" == base64.b64decode(json.loads(answer)), f"{program}: {answer}")


def run_stranger(program, environment, inside, socket_path, library):
    answer = output_of([program, inside.pid, socket_path], env=environment)
    expect(answer.strip() == f"library {library}", f"{program}: {answer}; the library is {library}")


def check_way(application, socket_path, way, arguments, variables, has_file):
    library = application.directory / "lib" / application.installation.soname()
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    environment.update({name: value.replace("LIB", str(library.parent)) for name, value in variables.items()})
    with container() as inside:
        run_listen_inside(application.link("listen_inside", way, arguments), environment, inside)
        run_stranger(application.link("stranger", way, arguments), environment, inside, socket_path,
                     library if has_file else "none")
        run_read_file(application.link("read_file", way, arguments), environment, inside,
                      application.installation.agent)


def check_set_user_id(application):
    """A program that has more privileges than whoever starts it is nobody's fork server."""
    program = application.directory / "bin" / "set-user-id"
    shutil.copy(application.directory / "bin" / "stranger-archive", program)
    if os.statvfs(program).f_flag & os.ST_NOSUID:
        raise Failed(f"{program} is on a filesystem that takes no set-user-ID programs: set TMPDIR to another")
    application.directory.chmod(0o755)
    program.chmod(0o4755)
    ours, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = ["bash", "-c", f'exec 3<&{control.fileno()} && exec -a nsenterd-fork-server "$0"', program]
    process = subprocess.Popen(command, user=65534, pass_fds=[control.fileno()], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    control.close()
    try:
        ours.settimeout(PATIENCE)
        answer = ours.recv(4096)
        expect(answer == b"", f"a fork server with the rights of another user: {answer!r}")
        expect(process.wait(PATIENCE) == 127, f"status {process.returncode}")
    finally:
        ours.close()
        process.kill()
        process.communicate()


def check_programs(installation):
    with tempfile.TemporaryDirectory(prefix="nsenterd-application-") as name:
        application = Application(installation, Path(name).resolve())
        examples = Path(installation.options.source) / "examples"
        at_once(application.compile, [(examples / "read_file.cpp",), (HERE / "stranger.cpp",),
                                      (examples / "listen_inside.cpp",)])
        application.make_neighbour()
        with daemon(installation) as socket_path:
            at_once(check_way, [(application, socket_path, way, *how) for way, how in ways_to_link(application).items()])
        check_set_user_id(application)


def check_agent_variable(installation):
    agent = installation.pkg_config("--variable=agent")[0]
    expect(agent in (str(installation.agent), str(installation.agent)[len(str(installation.root)):]), agent)


# --- the manual page


def manual_source(installation):
    return Path(installation.options.source) / "docs" / "man" / "nsenterd.3.scd"


def check_manual_examples(installation):
    """Each is a program."""
    examples = re.findall(r"^```\n(#include.*?)^```", manual_source(installation).read_text(), re.DOTALL | re.MULTILINE)
    expect(len(examples) >= 2, f"{len(examples)} programs in the manual page")
    at_once(compile_header_text, [(installation, installation.options.compiler, "c++20", example.replace("\\\\", "\\"))
                                  for example in examples])


def check_manual_page(installation):
    """It is where man(1) looks, and nobody finds fault with it."""
    if not installation.options.man_page:
        print("without scdoc there is no manual page")
        return
    page = installation.prefix / installation.options.man_page
    links = [path for path in page.parent.iterdir() if path.is_symlink()]
    expect(links and all(link.resolve() == page for link in links), f"links: {links}")
    text = page.read_text().replace("\\&", "").replace("\\", "")
    places = [f"{installation.options.prefix}/{place}" for place in
              ("include/nsenterd/", f"{installation.options.libdir}/pkgconfig/nsenterd.pc",
               f"{installation.options.libexecdir}/nsenter-agent", "share/doc/nsenterd/docs/modules.md")]
    for name in ("BlockingClient", "ClientFailure", "NSenterService", "ModuleRunner", "open_namespace", "FailureException", *places):
        expect(name in text, f"nothing about {name}")
    check_rendering(page)


def check_rendering(page):
    linters = {"man": ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], "mandoc": ["mandoc", "-Tlint", page]}
    for name, command in linters.items():
        if shutil.which(name):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            said = done.stderr + (done.stdout if name == "mandoc" else "")
            expect(done.returncode == 0 and not said, f"{name}: status {done.returncode}\n{said}")


def help_of(program, path=()):
    """The path of each command, and the options that its --help lists; first those of the program."""
    text = output_of([program, *path, "--help"])
    yield path, re.findall(r"^  (-[\w,-]+)", text, re.MULTILINE)
    _, _, commands = text.partition("\nSubcommands:\n")
    for command in re.findall(r"^  (\w\S*)", commands.partition("\n\n")[0], re.MULTILINE):
        yield from help_of(program, (*path, command))


def check_command_page(installation):
    """The page of the command line has every command and, in its section or among those of all, every option of it."""
    if not installation.options.man_page:
        print("without scdoc there is no manual page")
        return
    page = (installation.prefix / installation.options.man_page).parent.parent / "man1" / "nsenterctl.1"
    check_rendering(page)
    text = page.read_text().replace("\\-", "-")
    sections = re.split(r"^\.S[HS] ", text, flags=re.MULTILINE)
    shared = next(section for section in sections if section.startswith("OPTIONS"))
    described = list(help_of(installation.prefix / "bin" / "nsenterctl"))
    expect(len(described) > 20, f"--help lists {described}")
    for path, options in described:
        command = f"\\fB{' '.join(path)}\\fR"
        # A group has no entry of its own.
        is_group = any(other[:-1] == path for other, _ in described)
        own = [section for section in sections if command in section]
        expect(own or is_group, f"nothing about {' '.join(path)}")
        for option in {name for names in options for name in names.split(",")}:
            there = any(f"\\fB{option}\\fR" in section for section in [shared, *own])
            expect(there, f"nothing about {' '.join(path)} {option}")


def check_daemon_pages(installation):
    """nsenterd(8) has every option of the daemon; nsenterd.toml(5), whose keys a unit test looks for, says where the file is."""
    if not installation.options.man_page:
        print("without scdoc there is no manual page")
        return
    manuals = (installation.prefix / installation.options.man_page).parent.parent
    pages = {name: manuals / f"man{name[-1]}" / name for name in ("nsenterd.8", "nsenterd.toml.5")}
    for page in pages.values():
        check_rendering(page)
        expect("/nsenterd/nsenterd.toml" in page.read_text().replace("\\&", "").replace("\\", ""), f"{page} does not say where the file is")
    text = pages["nsenterd.8"].read_text().replace("\\-", "-")
    (_, options), = help_of(installation.prefix / "sbin" / "nsenterd")
    expect(len(options) > 8, f"--help lists {options}")
    for option in {name for names in options for name in names.split(",")} - {"-h"}:
        expect(f"\\fB{option}\\fR" in text, f"nothing about {option}")


def check_completions(installation):
    """They are where the shells look."""
    for place in ("bash-completion/completions/nsenterctl", "zsh/site-functions/_nsenterctl", "fish/vendor_completions.d/nsenterctl.fish"):
        path = installation.prefix / "share" / place
        expect(path.is_file() and "nsenterctl" in path.read_text(), f"no {path}")


CHECKS = {
    "symbols": [check_exports, check_asio_state, check_dynamic_section, check_constructor],
    "headers": [check_all_headers_installed, check_older_standard, check_each_header, check_other_compilers],
    "programs": [check_agent_variable, check_programs],
    "manual": [check_manual_page, check_manual_examples, check_command_page, check_daemon_pages, check_completions],
}


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=sorted(CHECKS))
    for name in ("meson", "build", "source", "prefix", "libdir", "libexecdir", "man-page", "version", "abi", "sanitize"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("compiler", nargs="+")
    return parser.parse_args()


def main():
    options = parse_options()
    status = 0
    with tempfile.TemporaryDirectory(prefix="nsenterd-install-") as directory:
        installation = Installation(options, Path(directory).resolve())
        for check in CHECKS[options.part]:
            try:
                check(installation)
                print(f"ok: {check.__name__}")
            except Failed as failure:
                status = 1
                print(f"FAILED: {check.__name__}: {failure}")
    sys.exit(status)


if __name__ == "__main__":
    main()
