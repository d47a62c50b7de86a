"""``python -m evcam.apps``: the command line where the ``evcam`` script is not on the path."""

import sys

from evcam.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())
