"""Files that are there whole or not at all, whatever happens while they are written.

The content goes into a new file in the same folder, is brought to the disk, and then takes the name in one step. A
process that is killed before leaves the old file, one that is killed after leaves the new one.
"""

import contextlib
import errno
import os
import secrets
import stat

from onnxseq.errors import text


def may_write(path, overwrite):
    """Tell whether a file may be written; where one is there and not to be overwritten, the user is asked."""
    if overwrite or not os.path.isfile(path):
        return True
    answer = input(f"{path} exists. Overwrite it? [y/n] ")
    while answer not in ("y", "n"):
        answer = input("Please answer y (overwrite it) or n (keep it): ")
    return answer == "y"


def replace(path, content, who):
    """Write a file whole, in place of what is there.

    Arguments:
        path: Where to; where it is a symbolic link, the file that it leads to is replaced.
        content: The bytes.
        who: Whoever asked, for messages.

    Raises:
        OSError: It cannot be written. What was there before is untouched, and nothing is left beside it.
    """
    target = os.path.realpath(path)
    try:
        mode = _mode_of(target)
        folder = os.path.dirname(target)
        beside = os.path.join(folder, f".onnxseq-{secrets.token_hex(8)}.tmp")
        try:
            _write(beside, content, mode)
            os.replace(beside, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
        _flush_folder(folder)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(
            error.errno,
            text(who, f"{os.fspath(path)!r} cannot be written ({reason})", "a file that can be replaced, on a disk "
                 "with room for it", "What was there is left as it was."),
        ) from error


def _mode_of(target):
    """Return the permissions of the file that is to be replaced, or None where there is none."""
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "")
    if not os.access(target, os.W_OK):  # a file made read-only is not to be replaced
        raise PermissionError(errno.EACCES, "")
    return stat.S_IMODE(found.st_mode)


def _write(path, content, mode):
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with open(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if mode is not None:
        os.chmod(path, mode)


def _flush_folder(folder):
    """Bring the new name to the disk too, where the system has folders that can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
