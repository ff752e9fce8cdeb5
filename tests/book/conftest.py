import sys
from pathlib import Path

# For the list of pages.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
