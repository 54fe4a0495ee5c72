#!/usr/bin/python3
"""Reads a text of metrics with the parser of prometheus_client, for OpenMetrics or for the older format, and writes what it has understood
as JSON. (By Debian's own Python, which its packages are for.)

usage: parse_metrics.py open_metrics|prometheus < TEXT
"""
import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

parse = {"open_metrics": openmetrics_parser, "prometheus": parser}[sys.argv[1]].text_string_to_metric_families
families = [{"name": family.name, "type": family.type, "help": family.documentation, "unit": family.unit,
             "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples]}
            for family in parse(sys.stdin.read())]
json.dump(families, sys.stdout)
