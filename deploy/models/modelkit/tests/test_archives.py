import io
import os
import random
import tarfile
import tempfile
import unittest
from collections import namedtuple
from pathlib import Path

from ..archives import MIB, Archive, Download, Lock, sha256, unpack
from ..problem import Problem
from .server import serve

Usage = namedtuple("Usage", "free")
NAME = "some_infer.tar"
HOLDS = (r"\.pdmodel$", r"\.pdiparams$")


def tar_of(path, **contents):
    with tarfile.open(path, "w") as tar:
        for name, data in contents.items():
            add(tar, name.replace("__", "/").replace("_dot_", "."), data)
    return path


def add(tar, name, data, **fields):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for key, value in fields.items():
        setattr(member, key, value)
    tar.addfile(member, io.BytesIO(data))


class WithFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)
        self.site, self.cache = self.work / "site", self.work / "cache"
        self.site.mkdir(), self.cache.mkdir()
        self.bytes = random.Random(1).randbytes(MIB)
        self.file = tar_of(self.site / NAME, a__inference_dot_pdmodel=b"program", a__inference_dot_pdiparams=self.bytes)

    def archive(self, url="http://127.0.0.1", most=100 * MIB):
        return Archive("detector", f"{url}/{NAME}", HOLDS, most)

    def fails(self, *words, call):
        with self.assertRaises(Problem) as raised:
            call()
        for word in words:
            self.assertIn(str(word), str(raised.exception))


class DownloadTest(WithFolder):
    def download(self, server, **more):
        return Download(self.archive(server.url), self.cache, pause=lambda seconds: None, **more).run()

    def test_fetches_a_file_whole(self):
        with serve(self.site) as server:
            self.assertEqual(sha256(self.file), sha256(self.download(server)))
        self.assertEqual([NAME], os.listdir(self.cache))

    def test_goes_on_where_the_connection_broke(self):
        with serve(self.site, [{"cut": 300_000}, {"cut": 300_000}]) as server:
            self.assertEqual(sha256(self.file), sha256(self.download(server)))
            ranges = [r for _, r in server.requests]
        self.assertEqual([None, "bytes=300000-", "bytes=600000-"], ranges)

    def test_goes_on_in_a_later_run(self):
        with serve(self.site, [{"cut": 300_000}] + 3 * [{"status": 503}]) as server:
            self.fails("503", NAME, "--from", call=lambda: self.download(server))
            self.assertEqual(sha256(self.file), sha256(self.download(server)))
            self.assertEqual("bytes=300000-", server.requests[-1][1])

    def test_starts_anew_when_the_file_has_changed_meanwhile(self):
        with serve(self.site, [{"cut": 300_000}] + 3 * [{"status": 503}]) as server:
            self.fails("503", call=lambda: self.download(server))
            tar_of(self.file, b_dot_pdmodel=b"other", b_dot_pdiparams=self.bytes[::-1])
            self.assertEqual(sha256(self.file), sha256(self.download(server)))

    def test_says_what_to_do_when_offline(self):
        with serve(self.site) as server:
            url = server.url
        archive = Archive("detector", f"{url}/{NAME}", HOLDS, MIB)
        self.fails(url, "refused", "--from FOLDER", NAME, "proxy",
                   call=Download(archive, self.cache, pause=lambda seconds: None).run)

    def test_says_what_to_do_when_the_name_is_unknown(self):
        archive = Archive("detector", f"http://no-such-host.invalid/{NAME}", HOLDS, MIB)
        self.fails("no-such-host.invalid", "--from FOLDER", call=Download(archive, self.cache, pause=lambda s: None).run)

    def test_gives_up_at_once_when_the_file_is_not_there(self):
        with serve(self.site, [{"status": 404}]) as server:
            self.fails("404", NAME, call=lambda: self.download(server))
            self.assertEqual(1, len(server.requests))

    def test_refuses_a_file_that_is_far_too_large(self):
        with serve(self.site, [{"length": 200 * MIB}]) as server:
            self.fails("200.0 MiB", "another file", call=lambda: self.download(server))

    def test_looks_for_space_before_it_fetches(self):
        with serve(self.site) as server:
            self.fails(NAME, "only 1.0 MiB are free", "--out",
                       call=lambda: self.download(server, usage=lambda folder: Usage(MIB)))
        self.assertNotIn(NAME, os.listdir(self.cache))

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full on this system")
    def test_says_when_the_disk_fills_up_meanwhile(self):
        (self.cache / (NAME + ".part")).symlink_to("/dev/full")
        with serve(self.site) as server:
            self.fails("disk is full", self.cache, call=lambda: self.download(server))


class LockTest(WithFolder):
    def lock(self, **pins):
        return Lock(self.work / "models.lock", pins)

    def test_records_first_use_and_accepts_the_same_again(self):
        self.lock().check(self.archive(), self.file)
        self.lock().check(self.archive(), self.file)
        self.assertIn(sha256(self.file), (self.work / "models.lock").read_text())

    def test_refuses_what_is_not_as_recorded(self):
        self.lock().check(self.archive(), self.file)
        old = sha256(self.file)
        tar_of(self.file, b_dot_pdmodel=b"other")
        self.fails(old, sha256(self.file), "--sha256 detector=", call=lambda: self.lock().check(self.archive(), self.file))

    def test_a_pin_wins_over_the_record(self):
        self.lock().check(self.archive(), self.file)
        tar_of(self.file, b_dot_pdmodel=b"other")
        self.lock(detector=sha256(self.file)).check(self.archive(), self.file)
        self.assertIn(sha256(self.file), (self.work / "models.lock").read_text())

    def test_refuses_what_is_not_as_pinned(self):
        self.fails("0" * 64, sha256(self.file), call=lambda: self.lock(detector="0" * 64).check(self.archive(), self.file))

    def test_names_a_broken_record(self):
        (self.work / "models.lock").write_text("{")
        self.fails("models.lock", "repair or delete", call=self.lock)


class UnpackTest(WithFolder):
    def unpack(self, file=None, **more):
        return unpack(self.archive(**more), file or self.file, self.work / "out" / "models")

    def hostile(self, **fields):
        path = self.work / "hostile.tar"
        with tarfile.open(path, "w") as tar:
            add(tar, "a/inference.pdmodel", b"program")
            add(tar, "a/inference.pdiparams", b"weights")
            add(tar, fields.pop("member", "a/x"), b"", **fields)
        return path

    def test_unpacks_what_was_expected(self):
        self.assertEqual(self.bytes, (self.unpack() / "inference.pdiparams").read_bytes())

    def test_refuses_names_that_lead_outside(self):
        for name in ("../evil", "a/../../evil", "/tmp/evil"):
            with self.subTest(name):
                self.fails(name, "outside", call=lambda: self.unpack(self.hostile(member=name)))
                self.assertEqual([], os.listdir(self.work / "out"))

    def test_refuses_links_and_devices(self):
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            with self.subTest(kind):
                self.fails("a/x", "neither", call=lambda: self.unpack(self.hostile(type=kind, linkname="/etc/passwd")))

    def test_names_what_is_missing(self):
        other = tar_of(self.work / "other.tar", readme_dot_txt=b"hello")
        self.fails("pdmodel", "pdiparams", "readme.txt", call=lambda: self.unpack(other))

    def test_shows_how_a_file_starts_that_is_no_archive(self):
        page = self.work / NAME
        page.write_text("<html>Please log in</html>")
        self.fails("<html>Please log in", "proxy", call=lambda: self.unpack(page))

    def test_refuses_an_archive_that_was_cut_off(self):
        short = self.work / "short.tar"
        short.write_bytes(self.file.read_bytes()[:500_000])
        self.fails("short.tar", "not the tar archive", call=lambda: self.unpack(short))

    def test_refuses_what_unpacks_to_too_much(self):
        self.fails("unpacks to more", call=lambda: self.unpack(most=1000))

    def test_looks_for_space_before_it_unpacks(self):
        self.fails("only 1.0 MiB are free", call=lambda: unpack(
            self.archive(), self.file, self.work / "out" / "models", usage=lambda folder: Usage(MIB)))


if __name__ == "__main__":
    unittest.main()
