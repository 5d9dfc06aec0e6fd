"""Real S3, as far as moto's server is: objects and prefixes, resumed downloads, the mirror, clear errors."""

from __future__ import annotations

import hashlib
import http.server
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import HealthCheck, given, settings, strategies as st

from fluentpipe.definition import Definition
from fluentpipe.errors import FluentpipeError, RunError, SourceError
from fluentpipe.run.placing import Placed
from fluentpipe.run.s3 import S3
from fluentpipe.run.storage import Maps, Storage

from .pipelines import Sketch

BUCKET = "my-data"
BIG = os.urandom(1 << 20) * 12  # 12 MiB, so that progress is said


@pytest.fixture(autouse=True)
def account(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": moto_server, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def bucket(moto_server: str) -> Any:
    client = boto3.client(
        "s3",
        endpoint_url=moto_server,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket=BUCKET)
    for key, body in {
        "raw/rows.csv": b"1\n2\n3\n", "raw/part/0.csv": b"4\n", "raw/marker/": b"", "rawer.csv": b"no part of raw",
        "odd/a": b"file", "odd/a/b": b"below it", "markers/": b"", "markers/sub/": b"", f"long/{'ü' * 130}/x": b"", "climbs/../x": b"", "double//slash": b"", "big.bin": BIG,
    }.items():  # fmt: skip
        client.put_object(Bucket=BUCKET, Key=key, Body=body)
    yield client
    client.close()


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def s3(bucket: Any, tmp_path: Path, lines: list[str]) -> Iterator[S3]:
    made = S3(tmp_path / "mirror", lines.append)
    yield made
    made.close()


def contents(found: Any) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in found.files.items()}


def test_an_object_comes_under_its_own_name_and_a_prefix_as_its_content(s3):
    single = s3.find(f"s3://{BUCKET}/raw/rows.csv")
    assert (single.is_object, contents(single)) == (True, {"rows.csv": b"1\n2\n3\n"})
    folder = s3.find(f"s3://{BUCKET}/raw")
    assert (folder.is_object, contents(folder)) == (False, {"rows.csv": b"1\n2\n3\n", "part/0.csv": b"4\n"})


def test_a_trailing_slash_leaves_what_lies_below_alone(s3):
    assert contents(s3.find(f"s3://{BUCKET}/odd/a")) == {"a": b"file"}
    assert contents(s3.find(f"s3://{BUCKET}/odd/a/")) == {"b": b"below it"}
    assert contents(s3.find(f"s3://{BUCKET}/raw/")) == contents(s3.find(f"s3://{BUCKET}/raw"))
    storage = Storage.of(Definition("p", {}, (), ()), Maps.of({}), s3)
    assert contents(storage.find(f"s3://{BUCKET}/odd/a/")) == {"b": b"below it"}
    assert contents(storage.find(f"s3://{BUCKET}/odd/a")) == {"a": b"file"}


def test_a_pipeline_reads_from_s3_and_has_the_objects_in_its_mirror(bucket, run, tmp_path):
    sketch = Sketch(data=f"s3://{BUCKET}/raw")
    script = "import pathlib, sys; print(sorted(p.name for p in pathlib.Path(sys.argv[1]).rglob('*.csv')))"
    sketch.processing(
        "P", script, inputs={"data": {"Get": "Parameters.data"}}, arguments=("/opt/ml/processing/input/data",)
    )
    assert "['0.csv', 'rows.csv']" in run(sketch).steps["P"].log.read_text()
    assert len(list((tmp_path / "home" / "s3").glob("??/*"))) == 2


def test_the_slash_of_a_definition_reaches_s3(bucket, run):
    script = "import pathlib, sys; print(sorted(p.name for p in pathlib.Path(sys.argv[1]).rglob('*') if p.is_file()))"
    for end, expected in {"": "['a']", "/": "['b']"}.items():
        sketch = Sketch(data=f"s3://{BUCKET}/odd/a{end}")
        sketch.processing(
            "P", script, inputs={"data": {"Get": "Parameters.data"}}, arguments=("/opt/ml/processing/input/data",)
        )
        assert expected in run(sketch).steps["P"].log.read_text()


class Cut:
    """A body that breaks after some bytes."""

    def __init__(self, body: Any, size: int) -> None:
        self._body, self._size = body, size

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        yield self._body.read(self._size)
        raise ConnectionResetError("the connection broke")

    def close(self) -> None:
        self._body.close()


def cutting(s3: S3, sizes: list[int]) -> list[str]:
    """Let the next bodies break after so many bytes; returns the ranges that are asked for."""
    client = s3._connected()
    asked: list[str] = []
    whole = client.get_object

    def get_object(**arguments: Any) -> Any:
        asked.append(arguments["Range"])
        answer = whole(**arguments)
        return {**answer, "Body": Cut(answer["Body"], sizes.pop(0))} if sizes else answer

    client.get_object = get_object
    return asked


def test_a_download_that_breaks_goes_on_where_it_broke(s3, lines):
    asked = cutting(s3, [5 << 20, 1 << 20])
    found = s3.find(f"s3://{BUCKET}/big.bin")
    assert found.path.read_bytes() == BIG
    assert asked == ["bytes=0-", f"bytes={5 << 20}-", f"bytes={6 << 20}-"]
    assert (
        f"s3: the connection broke at {5 << 20} of {12 << 20} bytes of s3://{BUCKET}/big.bin; going on there" in lines
    )
    assert f"s3: 12 of 12 MiB (100 %) of s3://{BUCKET}/big.bin" in lines


def test_a_later_run_goes_on_with_what_an_ended_one_left(s3, tmp_path):
    cutting(s3, [7 << 20, *[0] * 20])
    with pytest.raises(SourceError, match="S3 cannot be reached") as caught:
        s3.find(f"s3://{BUCKET}/big.bin")
    assert "what was downloaded so far is kept" in str(caught.value)
    later = S3(tmp_path / "mirror", print)
    asked = cutting(later, [])
    assert later.find(f"s3://{BUCKET}/big.bin").path.read_bytes() == BIG
    assert asked == [f"bytes={7 << 20}-"]
    assert not list((tmp_path / "mirror").rglob("*.part"))
    later.close()


def test_a_part_that_is_damaged_is_noticed_and_thrown_away(s3, tmp_path):
    cutting(s3, [7 << 20, *[0] * 20])
    with pytest.raises(SourceError):
        s3.find(f"s3://{BUCKET}/big.bin")
    (part,) = (tmp_path / "mirror").rglob("*.part")
    with part.open("r+b") as file:
        file.write(b"damage")
    later = S3(tmp_path / "mirror", print)
    with pytest.raises(SourceError, match="is not the object"):
        later.find(f"s3://{BUCKET}/big.bin")
    assert later.find(f"s3://{BUCKET}/big.bin").path.read_bytes() == BIG
    later.close()


def test_the_mirror_is_used_again_until_the_object_or_the_file_changes(s3, bucket, tmp_path):
    uri = f"s3://{BUCKET}/mirrored"
    bucket.put_object(Bucket=BUCKET, Key="mirrored", Body=b"one")
    path = s3.find(uri).path
    assert path.read_bytes() == b"one"

    def again() -> tuple[bytes, int]:
        later = S3(tmp_path / "mirror", print)
        asked = cutting(later, [])
        found = later.find(uri).path.read_bytes()
        later.close()
        return found, len(asked)

    assert again() == (b"one", 0)
    path.chmod(0o644)
    path.write_bytes(b"two")
    assert again() == (b"one", 1)
    bucket.put_object(Bucket=BUCKET, Key="mirrored", Body=b"new")
    assert again() == (b"new", 1)
    assert s3.find(uri).path.read_bytes() == b"one"  # a run that has begun goes on with what it saw


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (f"s3://{BUCKET}/raw/row.csv", r"no object and no prefix .*Did you mean 'rows.csv'\?\n.*there is: marker, part, rows.csv"),
        (f"s3://{BUCKET}/rw", r"Did you mean 'raw'\?"),
        (f"s3://{BUCKET}/big.bin/", r"There is nothing below '.*': 'big.bin' is an object\.\n  fix: leave out the slash"),
        (f"s3://{BUCKET}/markers", r"There is no file below '.*', only the marker of an empty folder: 'markers/' and 1 more"),
        (f"s3://{BUCKET}/raw/marker/", r"only the marker of an empty folder: 'raw/marker/'\.\n  fix: upload the files"),
        (f"s3://{BUCKET}/long", r"The key 'long/ü+/x' .* cannot be a file here: a part of it has 260 bytes, and .* at most 255"),
        ("s3://no-such-bucket/x", r"There is no bucket 'no-such-bucket'(.|\n)*--map s3://no-such-bucket=./folder"),
        (f"s3://{BUCKET}/odd", r"has both 'a' and 'a/b'"),
        (f"s3://{BUCKET}/climbs", r"The key 'climbs/\.\./x' .* is no safe relative name"),
        (f"s3://{BUCKET}/double", r"The key 'double//slash' .* is no safe relative name"),
        ("s3://Not_A_Bucket!/x", r"is no URI that S3 takes"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_with_what_is(uri, message, s3):
    with pytest.raises(SourceError, match=message):
        s3.find(uri)


def test_without_credentials_the_ways_out_are_told(bucket, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it may have found some before
    remote = S3(tmp_path, print)
    with pytest.raises(SourceError, match="no AWS credentials were found") as caught:
        remote.find(f"s3://{BUCKET}/raw")
    remote.close()
    assert f"--map s3://{BUCKET}=./folder" in str(caught.value)
    assert "aws configure" in str(caught.value)


def test_without_a_network_it_is_said_so(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    remote = S3(tmp_path, print)
    with pytest.raises(SourceError, match="S3 cannot be reached"):
        remote.find(f"s3://{BUCKET}/raw")
    remote.close()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDenied", r"S3 does not let you read 's3://my-data/x'(.|\n)*s3:GetObject and s3:ListBucket"),
        ("ExpiredToken", r"does not accept the AWS credentials(.|\n)*aws sso login"),
        ("PreconditionFailed", r"was changed while it was downloaded"),
        ("SlowDown", r"S3 is too busy to give 's3://my-data/x'(.|\n)*S3 says: SlowDown please"),
    ],
)
def test_what_s3_refuses_is_told_with_what_to_do(code, message, s3):
    from botocore.stub import Stubber

    with Stubber(s3._connected()) as stubbed:
        stubbed.add_client_error("head_object", code if code != "AccessDenied" else "403")
        if code == "AccessDenied":
            stubbed.add_client_error("list_objects_v2", code)
        else:
            stubbed.add_client_error("head_object", code, "please")
            with pytest.raises(SourceError):
                s3.find(f"s3://{BUCKET}/x")
        with pytest.raises(SourceError, match=message):
            s3.find(f"s3://{BUCKET}/x")


def test_an_object_of_several_parts_is_compared_by_its_size(s3, bucket, tmp_path):
    """Its ETag is no MD5 of its content, but of those of its parts."""
    upload = bucket.create_multipart_upload(Bucket=BUCKET, Key="parts.bin")
    there = {"Bucket": BUCKET, "Key": "parts.bin", "UploadId": upload["UploadId"]}
    parts = [
        {"PartNumber": number, "ETag": bucket.upload_part(**there, PartNumber=number, Body=body)["ETag"]}
        for number, body in ((1, BIG[: 5 << 20]), (2, b"the rest"))
    ]
    bucket.complete_multipart_upload(**there, MultipartUpload={"Parts": parts})
    assert bucket.head_object(Bucket=BUCKET, Key="parts.bin")["ETag"].endswith('-2"')
    assert s3.find(f"s3://{BUCKET}/parts.bin").path.read_bytes() == BIG[: 5 << 20] + b"the rest"


class Answering(http.server.ThreadingHTTPServer):
    """A server in place of S3's that says what the test wants, over real HTTP."""

    daemon_threads = True

    def __init__(self, *answers: tuple[str, int, dict[str, str], bytes]) -> None:
        """Each answer is for requests of its method; the last one of a method stays."""
        super().__init__(("127.0.0.1", 0), Answer)
        self.answers, self.asked = list(answers), []


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.command)
        mine = [each for each in self.server.answers if each[0] == self.command]
        _, status, headers, body = mine[0]
        if len(mine) > 1:
            self.server.answers.remove(mine[0])
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that the server calls

    def log_message(self, *_: object) -> None:
        pass


def xml(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>as S3 says it</Message></Error>".encode()


KMS = {"ETag": '"0123456789abcdef0123456789abcdef"', "Last-Modified": "Sat, 21 Nov 2026 12:00:00 GMT",
       "x-amz-server-side-encryption": "aws:kms"}  # fmt: skip
PLAIN = {**KMS, "x-amz-server-side-encryption": "AES256"}
BUSY = ("GET", 503, {}, xml("SlowDown"))
HEAD, GET = ("HEAD", 200, {**KMS, "Content-Length": "4"}, b""), ("GET", 206, KMS, b"rows")


@pytest.fixture
def answering(monkeypatch, tmp_path) -> Iterator[Callable[..., tuple[Answering, S3]]]:
    made: list[tuple[Answering, S3]] = []

    def start(*answers: Any) -> tuple[Answering, S3]:
        server = Answering(*answers)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)  # between its tries
        made.append((server, S3(tmp_path / "mirror", print)))
        return made[-1]

    yield start
    for server, remote in made:
        remote.close()
        server.shutdown()
        server.server_close()


def test_an_object_encrypted_with_a_key_of_kms_has_an_etag_that_is_no_md5(answering):
    _, remote = answering(HEAD, GET)
    assert remote.find(f"s3://{BUCKET}/x").path.read_bytes() == b"rows"


def test_where_the_etag_must_be_the_md5_other_bytes_are_refused(answering):
    _, remote = answering(("HEAD", 200, {**PLAIN, "Content-Length": "4"}, b""), GET)
    with pytest.raises(SourceError, match="is not the object"):
        remote.find(f"s3://{BUCKET}/x")


def test_when_s3_is_busy_it_is_asked_again(answering):
    server, remote = answering(("HEAD", 503, {}, b""), HEAD, BUSY, BUSY, GET)
    assert remote.find(f"s3://{BUCKET}/x").path.read_bytes() == b"rows"
    assert server.asked == ["HEAD", "HEAD", "GET", "GET", "GET", "HEAD"]  # the last for how it is encrypted


@pytest.mark.parametrize("answers", [(("HEAD", 503, {}, b""),), (HEAD, BUSY)], ids=["HEAD", "GET"])
def test_when_s3_stays_busy_it_is_said_so(answers, answering):
    server, remote = answering(*answers)
    with pytest.raises(SourceError, match=r"S3 is too busy to give 's3://my-data/x'(.|\n)*run again in a while"):
        remote.find(f"s3://{BUCKET}/x")
    assert server.asked.count(answers[-1][0]) == 4


@pytest.mark.parametrize(
    "answers",
    [(("HEAD", 403, {}, b""), ("GET", 403, {}, xml("AccessDenied"))), (HEAD, ("GET", 403, {}, xml("AccessDenied")))],
    ids=["HEAD", "GET"],
)
def test_when_s3_refuses_it_is_said_what_to_ask_for(answers, answering):
    _, remote = answering(*answers)
    with pytest.raises(
        SourceError, match=r"S3 does not let you read 's3://my-data/x'(.|\n)*s3:GetObject and s3:ListBucket"
    ):
        remote.find(f"s3://{BUCKET}/x")


def test_what_a_map_covers_is_never_asked_of_s3(answering, tmp_path):
    server, remote = answering(HEAD, GET)
    (tmp_path / "rows.csv").write_text("1\n")
    storage = Storage.of(Definition("p", {}), Maps.of({f"s3://{BUCKET}/raw": tmp_path}), remote)
    with pytest.raises(
        SourceError, match=r"There is no '.*/row.csv' to stand for .*Did you mean 'rows.csv'\?\n.*is mapped to"
    ):
        storage.find(f"s3://{BUCKET}/raw/row.csv")
    assert server.asked == []
    assert storage.find(f"s3://{BUCKET}/rawer").path.read_bytes() == b"rows"  # another name


def test_offline_nothing_is_asked(run, monkeypatch):
    sketch = Sketch(data=f"s3://{BUCKET}/raw")
    sketch.processing("P", "", inputs={"data": {"Get": "Parameters.data"}})
    monkeypatch.setattr("fluentpipe.run.isolation.Isolation._fault", lambda self: "")
    with pytest.raises(RunError, match="this run does not read from S3"):
        run(sketch, offline=True)


HOSTILE = st.lists(
    st.sampled_from(["..", ".", "", "a", "/", "C:", "\\", "\x00", "%2e%2e", "~", "x" * 300, "é"]), min_size=1
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=HOSTILE)
def test_no_key_leads_out_of_the_mirror_or_of_a_jobs_folder(parts, s3, bucket, tmp_path):
    key = "h/" + "/".join(parts)
    try:
        bucket.put_object(Bucket=BUCKET, Key=key, Body=b"hostile")
    except (ClientError, BotoCoreError):
        return  # no key of S3 either
    before = {file for file in tmp_path.rglob("*") if not file.is_relative_to(tmp_path / "mirror")}
    job = tmp_path / ("job-" + hashlib.sha256(key.encode()).hexdigest()[:8])
    try:
        s3._seen.clear()
        Placed().place(s3.find(f"s3://{BUCKET}/h"), job)
    except (FluentpipeError, OSError):
        pass
    finally:
        bucket.delete_object(Bucket=BUCKET, Key=key)
    after = {file for file in tmp_path.rglob("*") if not file.is_relative_to(tmp_path / "mirror")}
    assert all(file.is_relative_to(job) for file in after - before)
