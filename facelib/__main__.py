"""`python -m facelib`: what is installed, where things lie, and what is missing. Exit status 1 if something is."""

import sys

from facelib import doctor

report = doctor()
print(report)
sys.exit(not report.ok)
