"""Files that are there whole or not at all, whatever happens while they are written.

The content goes into a new file in the same folder, is brought to the disk, and then takes the name in one step. A
process that is killed before leaves the old file, one that is killed after leaves the new one.

What a killed process leaves beside it is removed by the next one that writes there. A process locks its own new file
for as long as it needs it, and the system takes the lock from a process that ends: what can be locked is nobody's.
"""

import contextlib
import errno
import os
import secrets
import stat

from onnxseq.errors import text

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_PREFIX, _SUFFIX = ".onnxseq-", ".tmp"


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
    target = os.path.realpath(os.fsdecode(path))
    try:
        mode = _mode_of(target)
        folder = os.path.dirname(target)
        _remove_left_behind(folder)
        with _new_file(folder) as (beside, file):
            _write(file, content)
            if mode is not None:
                os.chmod(beside, mode)
            if fcntl is None:  # Windows renames no open file
                file.close()
            os.replace(beside, target)
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


@contextlib.contextmanager
def _new_file(folder):
    """Give the path of a new file and the file, locked; afterwards it is renamed, or removed where that failed."""
    while True:
        path = os.path.join(folder, f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            with open(handle, "wb", buffering=0) as file:
                if _lock(file) and os.path.exists(path):
                    yield path, file
                    return
                # Another process took it for one left behind before it was locked: on to another name.
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise


def _lock(file):
    """Lock a file for this process; False where another one holds it. Where there are no locks, nobody holds any."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _remove_left_behind(folder):
    """Remove the new files of processes that were killed while they wrote."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        left = [entry.path for entry in entries if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX)]
        for path in left:
            with contextlib.suppress(OSError):
                _remove_unless_locked(path)


def _remove_unless_locked(path):
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    finally:
        os.close(handle)


def _write(file, content):
    with memoryview(content) as view:
        done = 0
        while done < len(view):
            with view[done:] as left:  # released, so that an error's traceback keeps no hold of the content
                done += file.write(left)
    os.fsync(file.fileno())


def _flush_folder(folder):
    """Bring the new name to the disk too, where the system has folders that can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
