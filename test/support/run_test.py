#!/usr/bin/env python3
"""Runs one test program and leaves its result as JUnit XML, which summary.py counts.

usage: run_test.py NAME catch2|plain COMMAND [ARGUMENT ...]
"""
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree


def failures_of(path):
    """The failures that a report tells of, as text."""
    for case in ElementTree.parse(path).iter("testcase"):
        for failure in list(case.findall("failure")) + list(case.findall("error")):
            yield f"{case.get('name')}\n{(failure.get('message') or '').strip()}\n{(failure.text or '').strip()}\n"


def run_catch2(name, command, report):
    status = subprocess.run(command + ["--reporter", "junit", "--out", report]).returncode
    try:
        for failure in failures_of(report):
            print(failure)
    except (OSError, ElementTree.ParseError) as error:
        # The program died before its report was whole: that is one failure, whatever it had passed.
        print(f"{name}: no report: {error}; exit status {status}")
        write_single(name, report, f"ended with status {status} before its report was whole")
        return 1
    return status


def run_plain(name, command, report):
    status = subprocess.run(command).returncode
    write_single(name, report, f"exit status {status}" if status else None)
    return status


def write_single(name, report, failure):
    suite = ElementTree.Element("testsuite", name=name)
    case = ElementTree.SubElement(suite, "testcase", name=name)
    if failure:
        ElementTree.SubElement(case, "failure", message=failure)
    ElementTree.ElementTree(suite).write(report)


def main():
    name, kind, *command = sys.argv[1:]
    results = os.environ["NSENTERD_TEST_RESULTS"]
    os.makedirs(results, exist_ok=True)
    report = os.path.join(results, name + ".xml")
    if os.path.exists(report):
        os.remove(report)
    status = {"catch2": run_catch2, "plain": run_plain}[kind](name, command, report)
    sys.exit(1 if status else 0)


if __name__ == "__main__":
    main()
