"""Windows of a recording that are looked at before they are worked on, and read once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from evcam.core.events import Events


class LookAhead(Iterator[Events]):
    """An iterator of windows whose next ones can be seen without taking them.

    Parameters
    ----------
    windows : iterable of Events
        Consecutive windows; those that were seen are held until they are taken.
    """

    def __init__(self, windows: Iterable[Events]) -> None:
        self._coming = iter(windows)
        self._seen: deque[Events] = deque()

    def __next__(self) -> Events:
        return self._seen.popleft() if self._seen else next(self._coming)

    def coming(self) -> Iterator[Events]:
        """The windows from the next one on."""
        yield from tuple(self._seen)
        for window in self._coming:
            self._seen.append(window)
            yield window
