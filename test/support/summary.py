#!/usr/bin/env python3
"""Counts the test cases in a directory of JUnit reports; the last line is "N passed, N failed, N skipped".

Fails if a case failed or was skipped, or if there is none at all.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main():
    passed = failed = skipped = 0
    for report in sorted(pathlib.Path(sys.argv[1]).glob("*.xml")):
        for case in ElementTree.parse(report).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"failed: {report.stem}: {case.get('name')}")
            elif case.find("skipped") is not None:
                skipped += 1
                print(f"skipped: {report.stem}: {case.get('name')}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if passed and not failed and not skipped else 1)


if __name__ == "__main__":
    main()
