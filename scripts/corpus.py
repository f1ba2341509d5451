#!/usr/bin/env python3
"""corpus.py CHECKER KFGRAB runs the checker of the corpus of real streams. It compares
the failures with testdata/corpus-exceptions.tsv, which lists streams whose expected
picture is damaged or encrypted, each with the reason. Exits with 0 if exactly the
exceptions fail."""
import json
import os
import subprocess
import sys
import tempfile

checker, kfgrab = sys.argv[1:]
root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
with open(os.path.join(root, "testdata", "corpus-exceptions.tsv")) as f:
    known = dict(line.rstrip("\n").split("\t") for line in f)

with tempfile.TemporaryDirectory() as tmp:
    results = os.path.join(tmp, "results.json")
    subprocess.run([sys.executable, checker, kfgrab, "--json", results], stdout=subprocess.DEVNULL)
    with open(results) as f:
        rows = json.load(f)

failed = {r["path"]: r["what"] for r in rows if not r["ok"]}
for path in sorted(failed.keys() & known.keys()):
    print("excepted:", path, "|", known[path])
for path in sorted(failed.keys() - known.keys()):
    print("FAIL", path, "|", failed[path])
for path in sorted(known.keys() - failed.keys()):
    print("FAIL", path, "| no longer fails: remove it from the exceptions")
wrong = len(failed.keys() ^ known.keys())
print("corpus: %d streams as expected, %d excepted, %d wrong" % (len(rows) - len(failed), len(failed.keys() & known.keys()), wrong))
sys.exit(1 if wrong else 0)
