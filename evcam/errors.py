"""Every error that evcam raises on purpose.

A broken input raises a subclass of `EvcamError`; its message says what was
found, where, which limit it breaks and what to do next.  Data that do not
determine an answer are not an error: they are a result with a status.
"""

from __future__ import annotations


class EvcamError(Exception):
    """Base of all errors that evcam raises on purpose."""


class InputError(EvcamError, ValueError):
    """A value, option or combination of values that cannot be worked with."""


class FormatError(EvcamError):
    """A file that is damaged or is not what it claims to be."""


class OutputExistsError(EvcamError):
    """An output file that is already there and was not asked to be replaced."""


class NotEnoughDataError(EvcamError):
    """Input that is sound but holds too little to do what was asked."""


class MissingLibraryError(EvcamError):
    """An optional library that is needed and not installed."""
