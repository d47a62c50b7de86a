"""Looking at what comes before it is worked on, and making it meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from evcam.core.events import Events

_Item = TypeVar("_Item")


def made_ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """The same items; each is made in a second thread while the one before it is used."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as second:
        coming = second.submit(lambda: list(islice(items, 1)))
        while made := coming.result():
            coming = second.submit(lambda: list(islice(items, 1)))
            yield made[0]


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
