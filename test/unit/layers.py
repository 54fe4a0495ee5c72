#!/usr/bin/env python3
"""Checks which layer includes which, and what the code of the forked child may use.

usage: layers.py SOURCE_ROOT

Prints file:line of each violation. Before that it checks itself: planted violations have to be found.
"""
import re
import sys
import tempfile
from pathlib import Path

# A layer is a folder of src/; the value is what its files may include besides their own folder.
ALLOWED = {
    "base": set(),
    "wire": {"base"},
    "nsjoin": {"base"},
    "launch": {"nsjoin", "wire", "base"},
    "operations": {"wire", "base"},
    "agent": {"operations", "launch", "nsjoin", "wire", "base"},
    "module": {"launch", "nsjoin", "wire", "base"},
    "service": {"launch", "module", "nsjoin", "operations", "wire", "base"},
    "varlink": {"wire", "base"},
    "daemon": {"varlink", "wire", "base"},
    "client": {"wire", "base"},
    "cli": {"client", "wire", "base"},
}

# Headers of include/nsenterd. They bring Asio, except those listed one by one.
ANY_PUBLIC = None
PUBLIC_TO_ALL = {"unique_fd.hpp"}
PUBLIC = {
    "wire": {"message.hpp"},
    "agent": {"message.hpp"},
    "module": {"module.hpp"},
    "service": ANY_PUBLIC,
    "daemon": ANY_PUBLIC,
    "client": ANY_PUBLIC,
    "cli": ANY_PUBLIC,
}

# Headers of others, by pattern, and the only layers that may include them.
LIBRARIES = [
    (re.compile(r"boost/asio|asio[./]"), {"service", "varlink", "daemon", "client"}, "Asio"),
    (re.compile(r"spdlog/"), {"daemon"}, "spdlog"),
    (re.compile(r"nlohmann/"), set(ALLOWED) - {"base", "nsjoin"}, "nlohmann/json"),
]

# Runs in the forked child before and during the join: no heap, no exceptions, no log.
FORK_SIDE = [
    "src/nsjoin/join.cpp",
    "src/launch/constructor.cpp",
    "src/launch/fork_server.cpp",
]
FORK_SIDE_FORBIDDEN = re.compile(
    r"std::(string|vector|map|set|deque|list|function|make_unique|make_shared|unique_ptr|shared_ptr|cout|cerr|to_string)\b"
    r"|\b(new|delete(?!\s*[;,])|throw|try|catch|malloc|calloc|realloc|free|printf|fprintf|syslog|exit|abort)\b")

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def without_comments_and_strings(text):
    """The same text, with comments and literals blanked; lines keep their numbers."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def check_include(layer, quote, name):
    """Why the include is not allowed; None if it is."""
    for pattern, layers, library in LIBRARIES:
        if quote == "<" and pattern.match(name) and layer not in layers:
            return f"{layer} may not include {library}"
    if name.startswith("nsenterd/"):
        allowed = PUBLIC.get(layer, set())
        if allowed is not ANY_PUBLIC and name.removeprefix("nsenterd/") not in allowed | PUBLIC_TO_ALL:
            return f"{layer} may not include <{name}>"
        return None
    folder = name.split("/")[0]
    if quote == "<":
        return f"{name} is a file of the project, not of the system" if "/" in name and folder in ALLOWED else None
    if "/" not in name:
        # Generated into the layer's own folder of the build tree.
        return None
    if folder not in ALLOWED:
        return f"{folder} is no layer"
    if folder != layer and folder not in ALLOWED[layer]:
        return f"{layer} may not include {folder}"
    return None


def sources(root, folder):
    return sorted(path for path in (root / folder).rglob("*") if path.suffix in {".hpp", ".cpp", ".h", ".c"})


def check(root):
    """Lines that say what is wrong."""
    violations = []
    for path in sources(root, "src"):
        where = path.relative_to(root)
        layer = where.parts[1]
        if len(where.parts) < 3 or layer not in ALLOWED:
            violations.append(f"{where}:1: in no known layer")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            reason = include and check_include(layer, *include.groups())
            if reason:
                violations.append(f"{where}:{number}: {reason}")
    for path in sources(root, "include"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            if include and include.group(1) == '"':
                violations.append(f"{path.relative_to(root)}:{number}: a public header may not include a private one")
    for name in FORK_SIDE:
        if not (root / name).exists():
            violations.append(f"{name}:1: is not there; this test's list has to follow")
            continue
        text = without_comments_and_strings((root / name).read_text())
        for number, line in enumerate(text.splitlines(), 1):
            found = FORK_SIDE_FORBIDDEN.search(line)
            if found:
                violations.append(f"{name}:{number}: {found.group()} in code of the forked child")
    return violations


PLANTED = {
    # path: (text, the line that is wrong; None if none is)
    "src/base/a.cpp": ('#include <string>\n#include "wire/json.hpp"\n', 2),
    "src/base/b.cpp": ("#include <nlohmann/json.hpp>\n", 1),
    "src/nsjoin/a.cpp": ('#include <nsenterd/unique_fd.hpp>\n\n#include "wire/frame.hpp"\n', 3),
    "src/nsjoin/b.hpp": ("#include <nlohmann/json_fwd.hpp>\n", 1),
    "src/operations/a.cpp": ('#include "launch/fork_server.hpp"\n', 1),
    "src/operations/b.cpp": ("#include <nsenterd/service.hpp>\n", 1),
    "src/agent/a.cpp": ('#include "service/reaper.hpp"\n', 1),
    "src/agent/b.cpp": ('#include "operations/table.hpp"\n#include "launch/fork_server.hpp"\n', None),
    "src/wire/a.cpp": ("  #  include <boost/asio/read.hpp>\n", 1),
    "src/wire/b.cpp": ("#include <nsenterd/message.hpp>\n#include <nlohmann/json.hpp>\n", None),
    "src/service/a.cpp": ("#include <spdlog/spdlog.h>\n", 1),
    "src/service/b.cpp": ("#include <boost/asio/post.hpp>\n#include <nsenterd/service.hpp>\n", None),
    "src/daemon/a.cpp": ('#include "service/event_state.hpp"\n', 1),
    "src/daemon/b.cpp": ('#include <spdlog/spdlog.h>\n#include "varlink/server.hpp"\n', None),
    "src/client/a.cpp": ('#include <boost/asio/post.hpp>\n#include "service/event_state.hpp"\n', 2),
    "src/cli/a.cpp": ('#include "daemon/options.hpp"\n', 1),
    "src/new/a.cpp": ("int x;\n", 1),
    "src/a.cpp": ("int x;\n", 1),
    "include/nsenterd/a.hpp": ('#include "base/result.hpp"\n', 1),
    "src/nsjoin/join.cpp": ('// new std::string\nconst char* text = "throw";\n\nauto x = std::string();\n', 4),
    "src/launch/fork_server.cpp": ("int* x = new int;\n", 1),
    "src/launch/constructor.cpp": ("/* throw\n new */ struct X { X(const X&) = delete; };\n", None),
}


def check_self():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name, (text, _) in PLANTED.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = {line.split(": ")[0] for line in check(root)}
        expected = {f"{name}:{line}" for name, (_, line) in PLANTED.items() if line is not None}
    if found != expected:
        sys.exit(f"this test is broken: missed {sorted(expected - found)}, invented {sorted(found - expected)}")


def main():
    check_self()
    violations = check(Path(sys.argv[1]))
    print("\n".join(violations) if violations else "no layer includes what it may not")
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
