"""Places, verification and what happens when a place fails."""

import dataclasses
import errno
import http.server
import os
import subprocess
import sys
import threading
import time
import zipfile

import pytest

from mmrec.catalogue import locations, sources
from mmrec.catalogue.locations import Bundled, Mirror, Upstream, Wheel, pinned
from mmrec.errors import LocalError, StudyError
from mmrec.workspace import PROJECT

CONTENT = b"the real thing\n"
# What `git hash-object` says of these bytes.
BLOB = "5edf1c4be1560ee47d8299e884c03234d53cf6c8"


def resource(*where, verify=None):
    return sources.Resource(
        name="thing",
        what="a file",
        licence="none",
        locations=where,
        verify=verify or pinned(BLOB),
        remedy="Do something.",
    )


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("MMREC_MIRROR", str(folder))
    return folder


@pytest.fixture
def server():
    """An HTTP server with a good file, a wrong one, a truncated one and a damaged zip."""
    files = {"/good.txt": CONTENT, "/wrong.txt": b"another thing\n", "/broken.zip": b"PK\3\4 no"}
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.end_headers()

        def do_GET(self):
            asked.append(self.path)
            content = CONTENT if self.path == "/short.txt" else files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:5] if self.path == "/short.txt" else content)

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    running.url = f"http://127.0.0.1:{running.server_port}"
    running.files, running.asked = files, asked
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def no_pause(monkeypatch):
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)


def test_the_first_place_that_verifies_serves(mirror, server, tmp_path):
    thing = resource(Mirror("thing.txt"), Upstream(f"{server.url}/good.txt"))
    served = sources.fetch(thing, tmp_path)
    assert (served.kind, served.digest) == ("upstream", BLOB)
    assert served.path.read_bytes() == CONTENT
    assert served.notes == ("mirror (thing.txt): not there",)
    (mirror / "thing.txt").write_bytes(CONTENT)
    served = sources.fetch(thing, tmp_path)
    assert (served.kind, served.place, served.notes) == ("mirror", "mirror (thing.txt)", ())


def test_a_download_is_kept_and_not_asked_for_again(server, tmp_path):
    thing = resource(Upstream(f"{server.url}/good.txt"))
    sources.fetch(thing, tmp_path)
    sources.fetch(thing, tmp_path)
    assert server.asked == ["/good.txt"]


def test_a_kept_download_that_was_damaged_is_fetched_afresh(server, tmp_path):
    thing = resource(Upstream(f"{server.url}/good.txt"))
    sources.fetch(thing, tmp_path).path.write_bytes(CONTENT[:4])
    assert sources.fetch(thing, tmp_path).path.read_bytes() == CONTENT


def test_wrong_hash_is_warned_about_and_the_next_place_tried(mirror, server, tmp_path, caplog):
    (mirror / "thing.txt").write_bytes(b"another thing\n")
    thing = resource(Mirror("thing.txt"), Upstream(f"{server.url}/good.txt"))
    served = sources.fetch(thing, tmp_path)
    assert served.kind == "upstream"
    assert len(served.notes) == 1
    assert "wrong hash" in served.notes[0]
    assert str(mirror) not in served.notes[0]
    assert [record.message for record in caplog.records] == [f"thing: {served.notes[0]}"]
    assert (mirror / "thing.txt").exists(), "nothing in the mirror may be deleted"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("wrong.txt", "wrong hash"),
        ("short.txt", "the download broke off"),
        ("gone.txt", "HTTP 404"),
    ],
)
def test_what_can_go_wrong_upstream(name, reason, server, tmp_path, no_pause):
    with pytest.raises(StudyError, match=reason) as caught:
        sources.fetch(resource(Upstream(f"{server.url}/{name}")), tmp_path)
    assert caught.value.remedy == "Do something."
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "sources").rglob("*.txt")), "no wrong file stays in the cache"


def test_upstream_hash_is_checked_before_the_file_is_kept(server, tmp_path, no_pause):
    place = Upstream(f"{server.url}/broken.zip", known_hash="sha1:" + 40 * "0", inside="ml")
    with pytest.raises(StudyError, match="wrong hash"):
        sources.fetch(resource(place), tmp_path)
    assert not list((tmp_path / "sources").rglob("*.zip"))


def test_no_network_is_one_clear_line(tmp_path):
    with pytest.raises(StudyError, match=r"mirror \(x\): .*; upstream .*: no network") as caught:
        sources.fetch(resource(Mirror("x"), Upstream("http://127.0.0.1:9/x")), tmp_path)
    assert "\n" not in str(caught.value)


def test_what_the_study_can_do_without_is_missing_not_fatal(tmp_path):
    served = sources.fetch_if_there(resource(Upstream("http://127.0.0.1:9/x")), tmp_path)
    assert (served.kind, served.path) == ("missing", None)
    assert "no network" in served.record()["notes"][0]


def test_a_mistyped_mirror_is_warned_about(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("MMREC_MIRROR", str(tmp_path / "typo"))
    with pytest.raises(StudyError, match="no such folder"):
        sources.fetch(resource(Mirror("x")), tmp_path)
    assert "typo" in caplog.text


def _zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_truncated_zip_is_reported_and_leaves_nothing(mirror, tmp_path, caplog):
    _zip(mirror / "ml.zip", {"ml/thing.txt": CONTENT * 1000})
    whole = (mirror / "ml.zip").read_bytes()
    verify = pinned(None, of=lambda folder: str(len(list(folder.iterdir()))))
    thing = resource(Mirror("ml.zip", inside="ml"), verify=verify)
    (mirror / "ml.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StudyError, match="truncated or damaged zip"):
        sources.fetch(thing, tmp_path)
    assert "ml.zip" in caplog.text
    kept = tmp_path / "sources" / "thing" / "mirror"
    assert list(kept.iterdir()) == []
    (mirror / "ml.zip").write_bytes(whole)
    assert (sources.fetch(thing, tmp_path).path / "thing.txt").exists()


def test_a_wheel_is_downloaded_by_pip_and_read_as_a_zip(tmp_path, monkeypatch):
    shop = tmp_path / "shop"
    shop.mkdir()
    _zip(
        shop / "toywheel-1.0-py3-none-any.whl",
        {
            "toywheel/data/thing.txt": CONTENT,
            "toywheel/code.py": "raise SystemExit",
            "toywheel-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: toywheel\n"
            "Version: 1.0\nRequires-Python: >=3.99\n",
            "toywheel-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
            "toywheel-1.0.dist-info/RECORD": "",
        },
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    place = Wheel(
        "toywheel==1.0",
        sha256=locations.sha256(next(shop.iterdir())),
        inside="toywheel/data",
        python_version="3.99",
    )
    verify = pinned(BLOB, of=lambda folder: locations.blob_digest(folder / "thing.txt"))
    served = sources.fetch(resource(place, verify=verify), tmp_path)
    assert served.kind == "registry"
    assert [path.name for path in served.path.iterdir()] == ["thing.txt"]
    with pytest.raises(StudyError, match="No matching distribution"):
        sources.fetch(
            resource(dataclasses.replace(place, requirement="toywheel==2")), tmp_path / "b"
        )
    monkeypatch.setattr("zipfile.ZipFile.extractall", lambda *_: pytest.fail("unpacked unchecked"))
    with pytest.raises(StudyError, match="wrong hash"):
        sources.fetch(resource(dataclasses.replace(place, sha256=64 * "0")), tmp_path / "c")


def test_a_disk_that_is_full_for_pip_is_no_missing_wheel(tmp_path, monkeypatch):
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    monkeypatch.setattr(
        "subprocess.run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", said)
    )
    wheel = Wheel("toywheel==1.0", sha256="0", inside="toywheel")
    with pytest.raises(LocalError, match="the disk is full"):
        sources.fetch_if_there(resource(wheel), tmp_path)


def test_bundled_file_that_is_not_installed(tmp_path):
    with pytest.raises(StudyError, match="the installation is incomplete"):
        sources.fetch(resource(Bundled("open_data/nothing.csv")), tmp_path)


def test_named_files_fetches_what_is_there(mirror, server, tmp_path):
    (mirror / "ids.txt").write_text('"http://x/title/tt0000001/" "x/title/tt0000002/?ref"')
    ids = dataclasses.replace(resource(Mirror("ids.txt"), verify=pinned(None)), name="ids")
    server.files["/tt0000001.jpg"] = CONTENT
    place = sources.NamedFiles(f"{server.url}/{{id}}.jpg", named_in=(ids,))
    thing = resource(place, verify=pinned(None, of=locations.tree_digest))
    served = sources.fetch(thing, tmp_path)
    assert [path.name for path in served.path.iterdir()] == ["tt0000001.jpg"]
    assert sorted(server.asked) == ["/tt0000001.jpg", "/tt0000002.jpg"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("function", ["pooch.core.Pooch.fetch", "mmrec.catalogue.http.receive"])
def test_a_local_failure_is_no_missing_source(server, tmp_path, monkeypatch, code, function):
    """As if a source that the study can do without did not exist: with it, results differ."""

    def fail(*_, **__):
        raise OSError(code, os.strerror(code), str(tmp_path / "x"))

    locations._unreachable.cache_clear()
    locations.check_reachable(server.url)
    monkeypatch.setattr(function, fail)
    thing = resource(Upstream(f"{server.url}/good.txt"), Mirror("thing.txt"))
    with pytest.raises(LocalError) as caught:
        sources.fetch_if_there(thing, tmp_path)
    assert str(tmp_path / "x") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mirror_that_may_not_be_read_is_no_missing_one(mirror, tmp_path, monkeypatch):
    (mirror / "thing.txt").write_bytes(CONTENT)

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(LocalError, match=r"thing.txt: cannot be used \(Permission denied\)"):
        sources.fetch_if_there(resource(Mirror("thing.txt")), tmp_path)


TWO_AT_ONCE = """
import sys, time, zipfile
from pathlib import Path
from mmrec.catalogue import locations
archive, target, start = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
time.sleep(max(0, start - time.time()))
print(len(list(locations.unpack(archive, "ml", target).iterdir())))
"""


def test_processes_that_unpack_the_same_at_once_all_have_it(tmp_path):
    _zip(tmp_path / "ml.zip", {f"ml/{n}.txt": CONTENT * 100 for n in range(200)})
    start = str(time.time() + 3)
    command = [sys.executable, "-c", TWO_AT_ONCE, str(tmp_path / "ml.zip")]
    command += [str(tmp_path / "kept" / "files"), start]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=PROJECT)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60) for process in running]
    assert [out.strip() for out, _ in said] == [b"200"] * 3, said
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["files"]


def test_a_folder_that_appears_while_unpacking_is_taken(tmp_path, monkeypatch):
    _zip(tmp_path / "ml.zip", {"ml/thing.txt": CONTENT})
    target, extract = tmp_path / "files", zipfile.ZipFile.extractall

    def slower(self, *arguments):
        extract(self, *arguments)
        target.mkdir()
        (target / "thing.txt").write_bytes(CONTENT)

    monkeypatch.setattr("zipfile.ZipFile.extractall", slower)
    assert locations.unpack(tmp_path / "ml.zip", "ml", target) == target
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["files"]


@pytest.mark.parametrize(
    ("what", "offset", "value"),
    [("password", 6, b"\x01\x00"), ("unknown method", 8, b"\x63\x00")],
)
def test_a_zip_that_cannot_be_unpacked_does_not_end_the_search(
    what, offset, value, mirror, server, tmp_path
):
    _zip(mirror / "ml.zip", {"ml/thing.txt": CONTENT})
    bytes_ = bytearray((mirror / "ml.zip").read_bytes())
    central = bytes_.index(b"PK\1\2")
    bytes_[offset : offset + 2] = bytes_[central + offset + 2 : central + offset + 4] = value
    (mirror / "ml.zip").write_bytes(bytes_)
    thing = resource(Mirror("ml.zip", inside="ml"), Upstream(f"{server.url}/good.txt"))
    served = sources.fetch(thing, tmp_path)
    assert served.kind == "upstream"
    assert "a zip that cannot be unpacked" in served.notes[0]


@pytest.mark.parametrize("left", [".DS_Store", "._tt1.jpg", "Thumbs.db", ".Trash/x.jpg"])
def test_what_desktops_leave_in_a_folder_does_not_count(left, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"1")
    clean = locations.tree_digest(tmp_path)
    (tmp_path / left).parent.mkdir(exist_ok=True)
    (tmp_path / left).write_bytes(b"?")
    assert locations.tree_digest(tmp_path) == clean


def test_tree_digest_knows_names_and_contents(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    first = locations.tree_digest(tmp_path)
    (tmp_path / "a").write_bytes(b"2")
    assert locations.tree_digest(tmp_path) != first
    (tmp_path / "a").write_bytes(b"1")
    assert locations.tree_digest(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "b")
    assert locations.tree_digest(tmp_path) != first


def test_the_resources_are_pinned_and_say_what_may_be_done_with_them():
    names = [resource.name for resource in sources.RESOURCES]
    assert len(set(names)) == len(names)
    assert all(r.licence and r.remedy and r.locations for r in sources.RESOURCES)
    kinds = [location.kind for location in sources.ML_100K.locations]
    assert kinds == ["mirror", "mirror", "upstream", "registry"]
