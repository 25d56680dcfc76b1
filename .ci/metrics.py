"""Reads what a running controller told with other people's parsers: metrics.py TEXT OPENMETRICS STDOUT STDERR"""

import json
import sys

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as prometheus

text, opened, out, log = (open(path, encoding="utf-8").read() for path in sys.argv[1:])


def series(families):
    """Every sample's name and labels."""
    return {(sample.name, tuple(sorted(sample.labels.items()))) for family in families for sample in family.samples}


plain = list(prometheus.text_string_to_metric_families(text))
families = list(openmetrics.text_string_to_metric_families(opened))
assert len(families) > 20, len(families)
assert all(family.documentation for family in families)
difference = series(plain) ^ series(families)
# Between the two readings a call may have been made for the first time.
difference = [name for name, _ in difference if not name.startswith("watchkeeper_aws_api")]
assert not difference, difference
print(f"{len(families)} families and {len(series(families))} series; both formats tell the same")

documents = [json.loads(line) for line in out.splitlines() if '"_aws"' in line]
assert documents, "nothing for CloudWatch"
for document in documents:
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for dimension in directive["Dimensions"][0]:
            assert isinstance(document[dimension], str) and document[dimension], document
        for metric in directive["Metrics"]:
            assert isinstance(document[metric["Name"]], (int, float)), document
print(f"{len(documents)} documents for CloudWatch")

lines = [json.loads(line) for line in log.splitlines()]
passes = [line for line in lines if any(span["name"] == "pass" for span in line.get("spans", []))]
assert passes, "no line of a pass"
for line in passes:
    scope = next(span for span in line["spans"] if span["name"] == "scope")
    assert scope["installation"] and scope["region"], line
failed = [line for line in lines if line["message"].startswith("AWS call failed")]
assert failed and all(line["request_id"] and line["call"] for line in failed), failed
print(f"{len(lines)} lines of log, {len(failed)} of failed calls, each with its request id")
