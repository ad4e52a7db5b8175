# SPDX-License-Identifier: MPL-2.0
"""Runs a Python program once per case in this one process.

Standard input is JSON: {"program": path, "cases": [{"args": [...], "env": {...}}]};
standard output is a JSON list of {"status": n, "out": text}.
"""
import contextlib
import io
import json
import logging
import os
import runpy
import sys

work = json.load(sys.stdin)
results = []
for case in work["cases"]:
    os.environ.clear()
    os.environ.update(case["env"])
    sys.argv = [work["program"]] + (case["args"] or [])
    logging.getLogger().handlers.clear()
    out, status = io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            runpy.run_path(work["program"], run_name="__main__")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(bool(end.code))
        except Exception:
            status = 1
    results.append({"status": status, "out": out.getvalue()})
json.dump(results, sys.stdout)
