"""Reading and writing recordings."""

from evcam.io.convert import Conversion, Region, convert
from evcam.io.recording import Recording, open_recording
from evcam.io.summary import RecordingSummary
from evcam.io.write import save_h5

__all__ = ["Conversion", "Recording", "RecordingSummary", "Region", "convert", "open_recording", "save_h5"]
