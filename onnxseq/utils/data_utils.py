"""Files from the network: fetched once, checked, kept in a cache, unpacked where nothing can leave its folder."""

import hashlib
import hmac
import os
import secrets
import shutil
import stat
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile

from onnxseq.errors import describe, text
from onnxseq.utils.progbar import Progbar

SCHEMES = ("https", "http", "ftp", "file")
ALGORITHMS = ("auto", "sha256", "md5")
FORMATS = ("auto", "tar", "zip", None)

CHUNK = 1 << 18
"""Bytes read at a time."""

TIMEOUT = 60.0
"""Seconds without an answer after which a server is given up."""


def get_file(
    fname,
    origin,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
):
    """Return the path of a file from the network, which is fetched where it is not in the cache.

    The file comes to its place whole and checked, or not at all: a fetched file with another hash is removed and
    refused. A cached file with another hash is fetched anew.

    Arguments:
        fname: Name of the file in the cache, or a whole path.
        origin: Address: https, http, ftp or file.
        untar: Whether the file is a tar archive, to be kept as `fname`.tar.gz and unpacked; `fname` then names what
            is in it.
        md5_hash: Its MD5, as `file_hash`.
        file_hash: Its hash in hexadecimal digits, or None for no check.
        cache_subdir: Folder in the cache.
        hash_algorithm: 'sha256', 'md5', or 'auto' to tell by the number of digits.
        extract: Whether to unpack the file beside itself, if it is an archive.
        archive_format: 'tar', 'zip', 'auto' for either, None for neither, or a list of these.
        cache_dir: The cache; the folder .keras of the user's home where None, or of the folder for temporary files
            where that cannot be written.

    Returns: The path of the file; with `untar`, of what was unpacked.

    Raises:
        ValueError: The hash of what was fetched is another, an argument is unknown, or an archive holds a name that
            leads out of its folder.
        OSError: Nothing could be fetched, or the cache cannot be written.
    """
    who = "get_file"
    file_hash = md5_hash if file_hash is None else file_hash
    if hash_algorithm not in ALGORITHMS:
        known = ", ".join(map(repr, ALGORITHMS))
        raise ValueError(text(who, f"hash_algorithm is {describe(hash_algorithm)}", f"one of {known}"))
    formats = _formats(who, archive_format)
    scheme = urllib.parse.urlsplit(origin).scheme
    if scheme not in SCHEMES:
        raise ValueError(text(who, f"origin is {describe(origin)}", f"an address of {', '.join(SCHEMES)}"))
    folder = _cache(who, cache_dir, cache_subdir)
    named = os.path.join(folder, fname)
    path = f"{named}.tar.gz" if untar else named
    if not _is_kept(path, file_hash, hash_algorithm):
        _fetch(who, origin, path, file_hash, hash_algorithm)
    if untar:
        if not os.path.exists(named):
            unpack(path, os.path.dirname(path), ("tar",))
        return named
    if extract:
        unpack(path, os.path.dirname(path), formats)
    return path


def _formats(who, archive_format):
    given = archive_format if isinstance(archive_format, (list, tuple)) else [archive_format]
    for entry in given:
        if entry not in FORMATS:
            known = ", ".join(map(repr, FORMATS))
            raise ValueError(text(who, f"archive_format is {describe(archive_format)}", f"of {known}"))
    return ("tar", "zip") if "auto" in given else tuple(entry for entry in given if entry)


def _cache(who, cache_dir, cache_subdir):
    """Return the folder of the cache, made where it is not there."""
    cache = os.path.join(os.path.expanduser("~"), ".keras") if cache_dir is None else os.path.expanduser(cache_dir)
    if not _can_write(cache):
        cache = os.path.join(tempfile.gettempdir(), ".keras")
        # Anybody may have put files there for us to find.
        if not _can_write(cache) or (hasattr(os, "getuid") and os.stat(cache).st_uid != os.getuid()):
            raise OSError(
                text(who, f"the cache cannot be written, and {cache!r} is not your own", "a folder for files",
                     "Give cache_dir.")
            )  # fmt: skip
    folder = os.path.join(cache, cache_subdir)
    os.makedirs(folder, exist_ok=True)
    return folder


def _can_write(folder):
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def validate_file(path, file_hash, algorithm="auto", chunk_size=CHUNK):
    """Whether the hash of a file is the one given.

    Arguments:
        path: The file.
        file_hash: The hash in hexadecimal digits.
        algorithm: 'sha256', 'md5', or 'auto' to tell by the number of digits.
        chunk_size: Bytes read at a time.
    """
    digest = _digest(file_hash, algorithm)
    with open(path, "rb") as file:
        while chunk := file.read(chunk_size):
            digest.update(chunk)
    return _same(digest, file_hash)


def _digest(file_hash, algorithm):
    if algorithm == "sha256" or (algorithm == "auto" and len(str(file_hash)) == 64):
        return hashlib.sha256()
    return hashlib.md5(usedforsecurity=False)


def _same(digest, file_hash):
    return hmac.compare_digest(digest.hexdigest(), str(file_hash).lower())


def _is_kept(path, file_hash, algorithm):
    if not os.path.exists(path):
        return False
    if file_hash is None or validate_file(path, file_hash, algorithm):
        return True
    print(f"{path} is there, but its hash is not {file_hash}: it is fetched anew.")
    return False


def _fetch(who, origin, path, file_hash, algorithm):
    """Bring what is at an address to a path, whole and checked, or not at all."""
    print(f"Downloading data from {origin}")
    beside = os.path.join(os.path.dirname(path), f".onnxseq-{secrets.token_hex(8)}.tmp")
    digest = _digest(file_hash, algorithm)
    try:
        try:
            with urllib.request.urlopen(origin, timeout=TIMEOUT) as answer, open(beside, "xb") as file:
                _copy(who, origin, answer, file, digest)
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            raise OSError(
                text(who, f"{origin!r} could not be fetched ({error})", "a file there",
                     "Check the address and the network.")
            ) from error  # fmt: skip
        if file_hash is not None and not _same(digest, file_hash):
            raise ValueError(
                text(who, f"what is at {origin!r} has the hash {digest.hexdigest()}", file_hash,
                     "It was removed. Do not use it: the file was changed, or spoilt on its way.")
            )  # fmt: skip
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.unlink(beside)


def _copy(who, origin, answer, file, digest):
    size = answer.headers.get("Content-Length")
    size = int(size) if size and size.isdigit() else None
    progress, done = Progbar(size), 0
    while chunk := answer.read(CHUNK):
        file.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        progress.update(done, force=done == size)
    if size is not None and done != size:
        raise OSError(f"{done} of {size} bytes came")
    file.flush()
    os.fsync(file.fileno())


def unpack(path, folder, formats=("tar", "zip")):
    """Unpack an archive into a folder; what leads out of it is refused before anything is in its place.

    Arguments:
        path: The file.
        folder: Where to.
        formats: Of 'tar' and 'zip', those to be tried.

    Returns: Whether the file is such an archive.

    Raises:
        ValueError: A name or a link in the archive leads out of the folder, or is none of a file, a folder or a link.
    """
    if "tar" in formats and tarfile.is_tarfile(path):
        extract = _extract_tar
    elif "zip" in formats and zipfile.is_zipfile(path):
        extract = _extract_zip
    else:
        return False
    beside = tempfile.mkdtemp(prefix=".onnxseq-", dir=folder)
    try:
        extract(path, beside)
        _settle(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


def _extract_tar(path, folder):
    with tarfile.open(path) as archive:
        try:
            archive.extractall(folder, filter="data")
        except tarfile.FilterError as error:
            raise ValueError(
                text("unpack", f"{path!r} holds {error.tarinfo.name!r} ({error})", "names inside of its folder",
                     "Do not use it.")
            ) from error  # fmt: skip


def _extract_zip(path, folder):
    top = os.path.realpath(folder)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            target = os.path.realpath(os.path.join(top, entry.filename))
            kind = stat.S_IFMT(entry.external_attr >> 16)
            # A path that leads out is refused, not bent back as zipfile does: whoever wrote it meant no good.
            if os.path.commonpath([top, target]) != top or "\\" in entry.filename or kind == stat.S_IFLNK:
                raise ValueError(
                    text("unpack", f"{path!r} holds {entry.filename!r}", "files inside of its folder", "Do not use it.")
                )
        archive.extractall(top)


def _settle(source, target):
    """Move all that is in a folder into another one, each file in one step over what may be there of its name."""
    for entry in os.scandir(source):
        place = os.path.join(target, entry.name)
        if entry.is_dir(follow_symlinks=False):
            if os.path.islink(place):
                os.unlink(place)
            os.makedirs(place, exist_ok=True)
            _settle(entry.path, place)
        else:
            os.replace(entry.path, place)
