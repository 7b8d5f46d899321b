"""Temporary folders, answers at a prompt, and what a call prints, for the cases that touch files."""

import contextlib
import io
import os
import shutil
import sys
import tempfile


@contextlib.contextmanager
def folder():
    """The path of an empty folder, which is gone afterwards with all that is in it."""
    path = tempfile.mkdtemp()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def answers(*lines):
    """Whoever asks on standard input gets these lines; gives the stream, whose rest is what nobody asked for."""
    stream, before = io.StringIO("".join(line + "\n" for line in lines)), sys.stdin
    sys.stdin = stream
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield stream
    finally:
        sys.stdin = before


def printed(function, *arguments, **options):
    """What the call writes to standard output."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        function(*arguments, **options)
    return stream.getvalue()


def write(path, text):
    with open(path, "w") as stream:
        stream.write(text)
    return path


def read(path):
    with open(path) as stream:
        return stream.read()


def names_in(path):
    """The names in a folder and below it, in order, relative to it."""
    return sorted(
        os.path.relpath(os.path.join(place, name), path).replace(os.sep, "/")
        for place, _, names in os.walk(path)
        for name in names
    )
