#!/usr/bin/env python3
"""Prints the completion of nsenterctl's command line for a shell: its template, with what nsenterctl itself says in it.

usage: generate.py bash|zsh|fish TEMPLATE NSENTERCTL-SYNTAX
"""
import json
import subprocess
import sys
from pathlib import Path

# What the values are that the command line calls so; the others cannot be told beforehand. Each is a function of the templates.
KINDS = {
    "PID": "process", "PROCESS": "process", "NAMESPACES": "namespaces", "EVENT": "event", "WHEN": "color", "LIST": "resolve",
    "PATH": "file", "SOURCE": "file", "TARGET": "file", "DIR": "directory",
}
# Behind their arguments comes another command.
RUN_COMMANDS = ["open"]


def commands(syntax, path=()):
    """The path of each command and what is said about it, the program itself first."""
    yield path, syntax
    for command in syntax["commands"]:
        yield from commands(command, (*path, command["name"]))


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def places(path, command):
    """The kinds of its arguments, in their order; "-" is none. The last may be followed by "*": as many as one likes."""
    kinds = [KINDS.get(argument["name"], "-") for argument in command["arguments"]]
    if list(path) == RUN_COMMANDS:
        kinds.append("command")
    return kinds + ["*"] * any(argument["many"] for argument in command["arguments"])


def bash(syntax):
    lines = []
    for path, command in commands(syntax):
        options = [name + (":" + KINDS.get(option["value"], "-") if option["value"] else "")
                   for option in command["options"] for name in option["names"]]
        names = [inner["name"] for inner in command["commands"]]
        lines.append(f"    {quoted(' '.join(path))})\n      options={quoted(' '.join(options))}\n"
                     f"      arguments={quoted(' '.join(places(path, command)))}\n      commands={quoted(' '.join(names))} ;;")
    return "\n".join(lines)


def zsh(syntax):
    def plain(text):
        return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")

    def action(kind):
        return "" if kind == "-" else "_nsenterctl_" + kind

    def option_specs(command):
        for option in command["options"]:
            value = f":{option['value']}:{action(KINDS.get(option['value'], '-'))}" if option["value"] else ""
            for name in option["names"]:
                # A value of a long one may be behind an equals sign.
                sign = "=" if value and name.startswith("--") else ""
                yield quoted(f"{name}{sign}[{plain(option['description'])}]{value}")

    def specs(path, command):
        yield from option_specs(command)
        if command["commands"]:
            yield from (quoted("(-)1:command:->command"), quoted("(-)*::argument:->argument"))
        for argument in command["arguments"]:
            many = "*" if argument["many"] else ""
            yield quoted(f"{many}:{argument['name']}:{action(KINDS.get(argument['name'], '-'))}")
        if list(path) == RUN_COMMANDS:
            yield quoted("*:::command:_normal")

    lines = []
    for path, command in commands(syntax):
        name = "_".join(("_nsenterctl_of", *path))
        lines += [f"{name}() {{", "  local state; local -a line",
                  "  _arguments -C -S " + " \\\n    ".join(specs(path, command)) + " && return"]
        if command["commands"]:
            told = " ".join(quoted(inner["name"] + ":" + plain(inner["description"])) for inner in command["commands"])
            lines += ["  case $state in", f"    command) local -a commands; commands=({told}); _describe command commands ;;",
                      f"    argument) (( $+functions[{name}_$words[1]] )) && {name}_$words[1] ;;", "  esac"]
        lines += ["}", ""]
    return "\n".join(lines)


def fish(syntax):
    with_value = sorted({name for _, command in commands(syntax) for option in command["options"] if option["value"]
                         for name in option["names"]})
    groups = [" ".join(path) for path, command in commands(syntax) if command["commands"] and path]
    lines = [f"set -g __nsenterctl_with_value {' '.join(with_value)}",
             f"set -g __nsenterctl_groups {' '.join(map(quoted, groups))}"]

    def complete(path, place, rest):
        lines.append(f"complete -c nsenterctl -n \"__nsenterctl_at '{' '.join(path)}' {place}\" {rest}".replace(" '' \"", " ''\""))

    def value(kind):
        return {"file": "-F", "-": "-x"}.get(kind, f"-xa '(__nsenterctl_{kind})'")

    for path, command in commands(syntax):
        for option in command["options"]:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option["names"])
            needs = f"-r {value(KINDS.get(option['value'], '-'))} " if option["value"] else ""
            complete(path, "any", f"{names} {needs}-d {quoted(option['description'])}")
        for inner in command["commands"]:
            complete(path, "1", f"-a {inner['name']} -d {quoted(inner['description'])}")
        kinds = places(path, command)
        many = kinds[-1:] == ["*"]
        for place, kind in enumerate(kinds[:-1] if many else kinds, 1):
            last = many and place == len(kinds) - 1
            if kind != "-":
                complete(path, f"{place}{'+' if last or kind == 'command' else ''}", value(kind))
    return "\n".join(lines)


def main():
    shell, template, program = sys.argv[1:]
    syntax = json.loads(subprocess.run([program], check=True, stdout=subprocess.PIPE).stdout)
    generated = {"bash": bash, "zsh": zsh, "fish": fish}[shell](syntax)
    print(Path(template).read_text().replace("@SYNTAX@", generated), end="")


if __name__ == "__main__":
    main()
