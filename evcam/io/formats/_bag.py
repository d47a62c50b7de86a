"""What the three kinds of ROS bags share: topics, and messages that lie in pieces."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from evcam.errors import FormatError, InputError


class Message(NamedTuple):
    """A message's bytes, and where in the file they or the piece around them begin, in words."""

    topic: str
    data: bytes
    where: str


class Bag(ABC):
    """An open bag.

    Attributes
    ----------
    path : Path
        File or folder.
    cdr : bool
        Whether messages are serialised as ROS 2 does.
    topics : dict of str
        Type of each topic, as ROS 1 writes it.
    warnings : list of str
        What was left out.
    """

    def __init__(self, path: Path, cdr: bool) -> None:
        self.path = path
        self.cdr = cdr
        self.topics: dict[str, str] = {}
        self.warnings: list[str] = []

    @abstractmethod
    def __len__(self) -> int:
        """How many pieces there are, in the order of the file; each can be read alone."""

    @abstractmethod
    def messages(self, piece: int, topics: Collection[str]) -> Iterator[Message]:
        """Messages of a piece, of some topics.

        Raises
        ------
        FormatError
            The piece is damaged.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def damaged(self, where: str, reason: object) -> FormatError:
        """The error that says so."""
        return FormatError(f"{self.path}: damaged {where}: {' '.join(str(reason).split())}")


class _JoinedBag(Bag):
    """The files of a folder into which one recording was split."""

    def __init__(self, path: Path, bags: list[Bag]) -> None:
        super().__init__(path, cdr=True)
        self._places = [(bag, piece) for bag in bags for piece in range(len(bag))]
        self._bags = bags
        for bag in bags:
            self.topics.update(bag.topics)
            self.warnings.extend(f"{bag.path.name}: {warning}" for warning in bag.warnings)

    def __len__(self) -> int:
        return len(self._places)

    def messages(self, piece: int, topics: Collection[str]) -> Iterator[Message]:
        bag, own_piece = self._places[piece]
        for message in bag.messages(own_piece, [topic for topic in topics if topic in bag.topics]):
            yield message._replace(where=f"{message.where} of {bag.path.name}")

    def close(self) -> None:
        for bag in self._bags:
            bag.close()


def files_in_order(folder: Path, suffix: str) -> list[Path]:
    """Files of a split recording; recorders number them at the end of their names."""

    def key(path: Path) -> tuple[int, str]:
        number = re.search(r"\d+$", path.stem)
        return (int(number[0]) if number else -1, path.name)

    return sorted((path for path in folder.iterdir() if path.suffix == suffix), key=key)


def open_files(path: Path, suffix: str, open_file: Callable[[Path], Bag]) -> Bag:
    """Open a file, or all files of a folder as one bag.

    Raises
    ------
    FormatError
        One of them is damaged.
    """
    if not path.is_dir():
        return open_file(path)
    with ExitStack() as stack:
        bags = []
        for file in files_in_order(path, suffix):
            bags.append(open_file(file))
            stack.callback(bags[-1].close)
        stack.pop_all()
    return _JoinedBag(path, bags)


def the_imu_topic(topics: list[str], events: str) -> str:
    """The topic of inertial samples that is nearest to the one of events, by its name.

    Raises
    ------
    InputError
        Two are equally near.
    """
    parts = events.split("/")

    def shared(topic: str) -> int:
        same = [a == b for a, b in zip(topic.split("/"), parts, strict=False)]
        return [*same, False].index(False)

    ranked = sorted(topics, key=shared, reverse=True)
    if len(ranked) > 1 and shared(ranked[0]) == shared(ranked[1]):
        raise InputError(f"several topics of inertial samples: {', '.join(topics)}; none is nearer than another to {events}; "
                         "write a bag with one of them")
    return ranked[0]
