#!/usr/bin/env python3
"""Writes a C++ header with the text of a file as a string constant."""
import sys

source, header, namespace, name = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = file.read()
if ')text"' in text:
    sys.exit(f"{source}: contains the end of a raw string")
with open(header, "w", encoding="utf-8") as file:
    file.write(f'#pragma once\n\nnamespace {namespace} {{\n\ninline constexpr char {name}[] = R"text({text})text";\n\n}}\n')
