"""The expressions of a Grafana dashboard as recording rules, so that promtool parses them: grafana.py DASHBOARD"""

import json
import sys

dashboard = json.load(open(sys.argv[1], encoding="utf-8"))
expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
expressions += [note["expr"] for note in dashboard["annotations"]["list"] if "expr" in note]
assert len(expressions) > 20, len(expressions)
print("groups:\n  - name: dashboard\n    rules:")
for number, expression in enumerate(expressions):
    expression = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
    print(f"      - record: panel{number}\n        expr: {json.dumps(expression)}")
