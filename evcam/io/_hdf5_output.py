"""A file for the HDF5 library to write to, in which nothing ever seems to fail."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType


class Hdf5Output:
    """A new file that takes every write, and raises what failed at its own end.

    When a write fails within HDF5 (a full disk, a quota), the library crashes as soon as it closes the file, or ends the whole
    process.  So the first failure is kept, and whatever is written after it is dropped: `check`, and the end of the ``with``
    block, raise it once HDF5 is out of the way.

    Parameters
    ----------
    path : Path
        Emptied, if it exists.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self._failure: BaseException | None = None

    def __enter__(self) -> Hdf5Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        self.check()

    def check(self) -> None:
        """Raise what failed, if anything did."""
        if self._failure is not None:
            raise self._failure

    # What h5py asks of a file; an exception that leaves one of these methods is a failure within HDF5.

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        return self._file.seek(position, whence)

    def tell(self) -> int:
        """The place."""
        return self._file.tell()

    def read(self, count: int = -1) -> bytes:
        """Read what was written before; h5py tells files by this method, but uses the next."""
        return self._file.read(count)

    def readinto(self, room: memoryview) -> int:
        """Read what was written before."""
        return self._file.readinto(room)

    def write(self, data: memoryview) -> int:
        """Write everything, or note why not."""
        try:
            done = 0
            while done < len(data) and self._failure is None:
                done += self._file.write(data[done:])
        except BaseException as failure:  # an interrupt, too, must not go through HDF5
            self._failure = self._failure or failure
        return len(data)

    def truncate(self, size: int) -> int:
        """Set the file's length, which h5py does before it is flushed or closed."""
        try:
            if self._failure is None:
                self._file.truncate(size)
        except BaseException as failure:
            self._failure = self._failure or failure
        return size

    def flush(self) -> None:
        """Nothing is held back."""
