"""Downloads archives and unpacks them, trusting neither the network nor what comes over it. Standard library only."""
import contextlib
import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .problem import Problem

MIB = 1 << 20
CHUNK = MIB // 4
TIMEOUT = 30  # seconds without a byte
ATTEMPTS = 4
SPARE = 64 * MIB  # left free on the disk


@dataclass(frozen=True)
class Archive:
    """A tar file to fetch. `holds` are regular expressions of member names, each of which must occur."""

    name: str
    url: str
    holds: tuple
    most_bytes: int

    @property
    def file(self):
        return self.url.rsplit("/", 1)[1]

    def at(self, base):
        """The same archive on another server."""
        return Archive(self.name, f"{base.rstrip('/')}/{self.file}", self.holds, self.most_bytes)


def size(n):
    return f"{n / MIB:.1f} MiB"


class Progress:
    """One line on a terminal, rewritten; else a line a tenth."""

    def __init__(self, what, done, total, out=sys.stderr):
        self.what, self.done, self.total, self.out = what, done, total, out
        self.last, self.terminal = -1, out.isatty()

    def add(self, n):
        self.done += n
        part = self.done * 100 // self.total if self.total else self.done // MIB
        step = 1 if self.terminal else 10
        if part // step != self.last:
            self.last = part // step
            of = f" of {size(self.total)} ({part} %)" if self.total else ""
            print(f"{self.what}: {size(self.done)}{of}", file=self.out, end="\r" if self.terminal else "\n", flush=True)

    def end(self):
        if self.terminal:
            print(file=self.out)


@contextlib.contextmanager
def disk_full_is_a_problem(folder):
    try:
        yield
    except OSError as e:
        if e.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Problem(f"the disk is full: writing to {folder} failed; free some space and run the same command again,"
                      " it goes on where it stopped") from e


def need_space(folder, wanted, what, usage=shutil.disk_usage):
    free = usage(folder).free
    if free < wanted + SPARE:
        raise Problem(f"{what} needs {size(wanted + SPARE)} in {folder}, only {size(free)} are free there; free some"
                      " space, or name another folder (--out DIR, and XDG_CACHE_HOME for downloads)")


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def offline(archive, folder, cause):
    return Problem(f"{archive.url} cannot be fetched: {cause}. Check the network and the proxy (https_proxy). Or fetch"
                   f" the file elsewhere, put it into a folder under its own name, {archive.file}, and add --from FOLDER;"
                   f" what was already fetched is kept in {folder}")


class Download:
    """One file over HTTP, resumable: NAME.part grows, NAME.part.json says which version of the file it is part of."""

    def __init__(self, archive, folder, usage=shutil.disk_usage, pause=time.sleep):
        self.archive, self.folder, self.usage, self.pause = archive, Path(folder), usage, pause
        self.target = self.folder / archive.file
        self.part = self.folder / (archive.file + ".part")
        self.note = self.folder / (archive.file + ".part.json")

    def run(self):
        """Returns the path of the complete file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.target.exists():
            return self.target
        with disk_full_is_a_problem(self.folder):
            for attempt in range(ATTEMPTS):
                try:
                    self._once()
                    break
                except urllib.error.HTTPError as e:
                    if e.code < 500 and e.code not in (408, 429):
                        raise offline(self.archive, self.folder, f"the server answers {e.code} {e.reason}") from e
                    cause = f"the server answers {e.code} {e.reason}"
                except urllib.error.URLError as e:
                    if isinstance(e.reason, OSError) and e.reason.errno == errno.ENOSPC:
                        raise e.reason
                    cause = e.reason
                except (http.client.HTTPException, ConnectionError, socket.timeout, TimeoutError) as e:
                    cause = f"the connection broke ({e})"
                if attempt + 1 == ATTEMPTS:
                    raise offline(self.archive, self.folder, cause)
                print(f"{self.archive.file}: {cause}; trying again", file=sys.stderr)
                self.pause(2**attempt)
        self.note.unlink(missing_ok=True)
        self.part.rename(self.target)
        return self.target

    def _once(self):
        have, validator = self._partial()
        headers = {"User-Agent": "shelfstream", "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        request = urllib.request.Request(self.archive.url, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
            resumed = reply.status == 206 and reply.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            have = have if resumed else 0
            length = reply.headers.get("Content-Length")
            total = have + int(length) if length else 0
            if total > self.archive.most_bytes:
                raise Problem(f"{self.archive.url} says it is {size(total)} long; {self.archive.name} is at most"
                              f" {size(self.archive.most_bytes)}, so this is another file")
            need_space(self.folder, total - have, f"the rest of {self.archive.file}", self.usage)
            self._remember(reply.headers)
            self._copy(reply, have, total)

    def _partial(self):
        """Bytes that may be continued, and the validator that says of which version; (0, None) to start anew."""
        try:
            validator = json.loads(self.note.read_text())["validator"]
            have = self.part.stat().st_size
            return (have, validator) if have and validator else (0, None)
        except (OSError, ValueError, KeyError):
            return 0, None

    def _remember(self, headers):
        # A weak ETag does not promise the same bytes.
        etag = headers.get("ETag", "")
        validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
        self.note.write_text(json.dumps({"url": self.archive.url, "validator": validator}))

    def _copy(self, reply, have, total):
        progress = Progress(self.archive.file, have, total)
        with open(self.part, "ab" if have else "wb") as out:
            while block := reply.read(CHUNK):
                out.write(block)
                progress.add(len(block))
                if progress.done > self.archive.most_bytes:
                    raise Problem(f"{self.archive.url} does not end after {size(progress.done)}; not the file expected")
        progress.end()
        if total and progress.done != total:
            raise ConnectionError(f"after {size(progress.done)} of {size(total)}")


class Lock:
    """SHA-256 and size of every archive, as first seen: upstream publishes none to check against."""

    def __init__(self, path, pinned):
        self.path, self.pinned = Path(path), pinned
        try:
            self.seen = json.loads(self.path.read_text()) if self.path.exists() else {}
        except ValueError as e:
            raise Problem(f"{self.path} is not JSON ({e}); repair or delete it") from e

    def check(self, archive, file):
        """Compares with the pin, else with the record; records a file seen for the first time."""
        digest, length = sha256(file), Path(file).stat().st_size
        pin = self.pinned.get(archive.name)
        known = self.seen.get(archive.name, {}).get("sha256")
        if pin and pin != digest:
            raise Problem(f"{file} has sha256 {digest}, but --sha256 {archive.name}={pin} was asked for; delete the file"
                          " to fetch it anew, or correct the pin")
        if not pin and known and known != digest:
            raise Problem(f"{file} is not what it was: sha256 {digest}, {length} bytes; {self.path} recorded {known},"
                          f" {self.seen[archive.name]['bytes']} bytes. Delete the file to fetch it anew; if upstream"
                          f" really replaced it, say --sha256 {archive.name}={digest}")
        if known != digest:
            self.seen[archive.name] = {"file": archive.file, "sha256": digest, "bytes": length}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.seen, indent=1, sort_keys=True) + "\n")
        print(f"{archive.file}: {length} bytes, sha256 {digest}"
              + (" (pinned)" if pin else " (as recorded)" if known else f" (first use, recorded in {self.path})"),
              file=sys.stderr)


def describe_start(file):
    with open(file, "rb") as f:
        return repr(f.read(40))


def checked_members(archive, tar, file):
    members, total = [], 0
    for member in tar:
        if not (member.isfile() or member.isdir()):
            raise Problem(f"{file} holds {member.name!r}, which is neither a file nor a folder; nothing was unpacked")
        parts = Path(member.name).parts
        if os.path.isabs(member.name) or ".." in parts:
            raise Problem(f"{file} holds {member.name!r}, which would land outside the folder; nothing was unpacked")
        total += member.size
        if total > 4 * archive.most_bytes or len(members) > 200_000:
            raise Problem(f"{file} unpacks to more than {size(total)} or too many files; not the archive expected")
        members.append(member)
    missing = [h for h in archive.holds if not any(re.search(h, m.name) for m in members)]
    if missing:
        shown = ", ".join(m.name for m in members[:8]) or "nothing"
        raise Problem(f"{file} is not the archive expected ({archive.name}): it lacks {' and '.join(missing)}; it holds"
                      f" {shown}{' …' if len(members) > 8 else ''}")
    return members, total


def unpack(archive, file, folder, usage=shutil.disk_usage):
    """Unpacks a checked archive, all of it or nothing; a folder around everything becomes `folder` itself."""
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".unpack-"))
    try:
        with tarfile.open(file) as tar, disk_full_is_a_problem(folder.parent):
            members, total = checked_members(archive, tar, file)
            need_space(folder.parent, total, f"unpacking {archive.file}", usage)
            tar.extractall(work, members=members, filter="data")
        inside = list(work.iterdir())
        content = inside[0] if len(inside) == 1 and inside[0].is_dir() else work
        shutil.rmtree(folder, ignore_errors=True)
        content.chmod(0o755)
        content.rename(folder)
    except (tarfile.TarError, EOFError) as e:
        raise Problem(f"{file} is not the tar archive expected ({e}); it starts with {describe_start(file)}. Delete it and"
                      " run again; behind a proxy, open the address in a browser once") from e
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder
