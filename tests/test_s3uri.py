"""S3 URIs are built, checked and taken apart in one place."""

import pytest
from hypothesis import given, strategies as st

from fluentpipe.errors import InvalidS3Uri
from fluentpipe.s3uri import check_s3_uri, join_s3, split_s3_uri

buckets = st.from_regex(r"[a-z0-9][a-z0-9\-]{1,40}[a-z0-9]", fullmatch=True).filter(lambda name: name[:4] != "xn--")
segments = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="/"), min_size=1, max_size=20
).filter(lambda text: text not in (".", ".."))


@given(buckets, st.lists(segments, min_size=1, max_size=6))
def test_splitting_what_was_joined_gives_the_parts_back(bucket, parts):
    uri = join_s3(f"s3://{bucket}", *parts)
    assert split_s3_uri(uri) == (bucket, "/".join(parts))


@given(buckets, st.lists(segments, max_size=6))
def test_a_checked_uri_is_a_fixed_point(bucket, parts):
    uri = join_s3(f"s3://{bucket}", *parts)
    assert check_s3_uri(uri) == uri
    assert join_s3(uri) == uri


@given(buckets, st.lists(segments, min_size=2, max_size=6), st.data())
def test_joining_is_associative_and_blind_to_one_slash_at_a_seam(bucket, parts, data):
    cut = data.draw(st.integers(1, len(parts) - 1))
    whole = join_s3(f"s3://{bucket}", *parts)
    assert join_s3(join_s3(f"s3://{bucket}", *parts[:cut]), *parts[cut:]) == whole
    assert join_s3(f"s3://{bucket}/", *(f"/{part}/" for part in parts)) == whole


@given(st.text(max_size=60) | st.text(max_size=60).map("s3://bucket/".__add__))
def test_any_text_is_either_returned_unchanged_or_refused_with_a_form_that_passes(text):
    try:
        checked = check_s3_uri(text)
    except InvalidS3Uri as error:
        checked = text = error.corrected if error.reason in ("dots", "empty-segment", "trailing-slash") else ""
    assert checked == text
    assert not checked or check_s3_uri(checked) == checked


REFUSED = [
    ("", "scheme", "does not begin with 's3://'", ""),
    ("/data/x.csv", "scheme", "does not begin with 's3://'", ""),
    ("S3://bucket/x", "scheme", "does not begin", ""),
    ("s3://", "bucket", "names no bucket", ""),
    ("s3:///x", "bucket", "names no bucket", ""),
    ("s3://My_Bucket/x", "bucket", "lower-case", "s3://my-bucket/x"),
    ("s3://ab/x", "bucket", "has 2 characters", ""),
    ("s3://" + "a" * 64, "bucket", "has 64 characters", ""),
    ("s3://-bucket", "bucket", "begin and end", ""),
    ("s3://bucket.", "bucket", "begin and end", ""),
    ("s3://a..b", "bucket", "two dots", ""),
    ("s3://192.168.0.1/x", "bucket", "IP address", ""),
    ("s3://xn--bucket/x", "bucket", "reserved", ""),
    ("s3://bucket/", "trailing-slash", "ends in a slash", "s3://bucket"),
    ("s3://bucket/a/", "trailing-slash", "ends in a slash", "s3://bucket/a"),
    ("s3://bucket//a", "empty-segment", "double slash", "s3://bucket/a"),
    ("s3://bucket/a//", "empty-segment", "double slash", "s3://bucket/a"),
    ("s3://bucket/a/../b", "dots", "'..' segment", "s3://bucket/a/b"),
    ("s3://bucket/./b", "dots", "'.' segment", "s3://bucket/b"),
    ("s3://bucket/a\nb", "control", "control character", "s3://bucket/ab"),
    ("s3://bucket/" + "a" * 1013, "length", "1025 characters", ""),
]


@pytest.mark.parametrize(("uri", "reason", "words", "corrected"), REFUSED)
def test_a_malformed_uri_is_refused_with_the_reason_and_the_corrected_form(uri, reason, words, corrected):
    with pytest.raises(InvalidS3Uri) as caught:
        check_s3_uri(uri)
    assert (caught.value.reason, caught.value.corrected) == (reason, corrected)
    assert words in str(caught.value)
    if corrected:
        assert corrected in caught.value.fix


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://my.bucket/a b/ü.csv", "s3://bucket/a/..b/c.", "s3://bucket/x=1"])
def test_unusual_but_sound_uris_pass(uri):
    assert check_s3_uri(uri) == uri


def test_the_longest_uri_of_the_service_passes():
    uri = "s3://bucket/" + "a" * 1012
    assert len(check_s3_uri(uri)) == 1024


@pytest.mark.parametrize("segment", ["", "/", "//"])
def test_an_empty_segment_to_join_is_refused_with_its_position(segment):
    with pytest.raises(InvalidS3Uri, match="segment 2") as caught:
        join_s3("s3://bucket", "a", segment)
    assert caught.value.reason == "segment"


def test_something_that_is_no_text_is_refused():
    with pytest.raises(InvalidS3Uri, match="not int"):
        check_s3_uri(3)
