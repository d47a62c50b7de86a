import sys
from pathlib import Path

import pytest

from evcam.io import open_recording

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def read(tmp_path):
    """Events, edges and warnings of a file with these bytes."""

    def read_bytes(data, **size):
        path = tmp_path / "recording"
        path.write_bytes(data)
        with open_recording(path, **size) as recording:
            events, edges = recording.events(), recording.triggers()
            return events, edges, recording.warnings

    return read_bytes
