"""The programs of this folder import each other as they do when a user runs them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
