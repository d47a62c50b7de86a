"""ROS 2 bags in SQLite files, which hold a table of topics and one of messages; ``metadata.yaml`` is not needed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from evcam.errors import FormatError
from evcam.io.formats._bag import Bag, Message, files_in_order, open_files
from evcam.io.formats._bag_source import BagSource
from evcam.io.formats._inflate import MAX_BYTES, inflate
from evcam.io.formats._ros_messages import plain_type
from evcam.io.source import Format

_MAGIC = b"SQLite format 3\x00"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PIECE_MESSAGES = 64


class SqliteBag(Bag):
    """An open SQLite file of a ROS 2 bag."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, cdr=True)
        self._connection = _connect(path)
        try:
            with self._damage("tables"):
                kinds = dict(self._connection.execute(
                    "SELECT name, type FROM sqlite_master WHERE name IN ('topics', 'messages')"))
                if kinds != {"topics": "table", "messages": "table"}:
                    raise FormatError(f"{path}: an SQLite file without the tables topics and messages: no ROS 2 bag")
                rows = self._connection.execute("SELECT id, name, type, serialization_format FROM topics").fetchall()
                self._first, self._last = self._connection.execute("SELECT min(id), max(id) FROM messages").fetchone()
                if self._first is not None and not 0 <= self._last - self._first <= path.stat().st_size:
                    raise ValueError(f"messages are numbered {self._first} to {self._last}, more than fit into the file")
        except BaseException:
            self._connection.close()
            raise
        self._numbers = {str(name): number for number, name, *_ in rows}
        self.topics = {str(name): plain_type(str(kind)) if form == "cdr" else str(form) for _, name, kind, form in rows}

    def __len__(self) -> int:
        return 0 if self._first is None else (self._last - self._first) // _PIECE_MESSAGES + 1

    def messages(self, piece: int, topics: Collection[str]) -> Iterator[Message]:
        begin = self._first + piece * _PIECE_MESSAGES
        for topic in topics:
            with self._damage(f"messages {begin} to {begin + _PIECE_MESSAGES - 1}"):
                rows = self._connection.execute(
                    "SELECT id, data FROM messages WHERE id >= ? AND id < ? AND topic_id = ? ORDER BY id",
                    (begin, begin + _PIECE_MESSAGES, self._numbers[topic])).fetchall()
            for number, data in rows:
                where = f"row {number} of the table messages"
                if not isinstance(data, bytes):
                    raise self.damaged(where, "it holds no bytes")
                if data.startswith(_ZSTD_MAGIC):
                    try:
                        data = inflate("zstd", data)
                    except ValueError as error:
                        raise self.damaged(where, error) from None
                yield Message(topic, data, where)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _damage(self, where: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OverflowError, ValueError) as error:
            raise self.damaged(where, error) from None


def _connect(path: Path) -> sqlite3.Connection:
    """Open read-only; the journal of a recorder that was killed is taken into account where there is one."""
    journal = Path(f"{path}-wal").exists()
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro{'' if journal else '&immutable=1'}", uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BYTES)
    return connection


def _open(path: Path, stream: str | None = None) -> BagSource:
    return BagSource(path, open_files(path, ".db3", SqliteBag), stream)


def _matches(head: bytes) -> bool:
    return head.startswith(_MAGIC)


def _matches_folder(path: Path) -> bool:
    return bool(files_in_order(path, ".db3"))


FORMAT = Format("ROS 2 bag (sqlite3)", _matches, _open, _open, _matches_folder)
