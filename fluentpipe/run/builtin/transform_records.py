"""The records of a file as batch transform takes them apart, filters, joins with their answers, and puts together."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .channel_tables import UserError
    from .json_path import parse, select
else:  # run beside its siblings
    from channel_tables import UserError
    from json_path import parse, select

MEGABYTE = 1 << 20
csv.field_size_limit(128 * MEGABYTE)  # characters of a field; no request is larger


@dataclass(frozen=True)
class Processing:
    """How the files of a job become requests, and their answers become files."""

    content_type: str
    accept: str
    by_line: bool  # whether a file is records, one a line; else it is one record
    single: bool  # whether a request has one record
    megabytes: int  # largest request; 0 for any
    assembled_by_line: bool
    input_filter: str = "$"
    output_filter: str = "$"
    joined: bool = False  # whether each answer is put beside its record

    def run(self, content: bytes, answer: Callable[[bytes], bytes]) -> bytes:
        """The file of answers to a file of records.

        Raises:
            UserError: A record is larger than a request may be, or answers cannot be told apart or are of another number.
            FilterError: A filter finds nothing.
        """
        out = io.BytesIO()
        for records in self._requests(content):
            body = (
                b"".join(record + b"\n" for record in map(self._sent, records)) if self.by_line else self._sent(content)
            )
            out.write(self._kept(records, answer(body)))
        return out.getvalue()

    def _requests(self, content: bytes) -> Iterator[list[bytes]]:
        """The records of each request."""
        records = self._records(content) if self.by_line else [content]
        limit = self.megabytes * MEGABYTE
        waiting: list[bytes] = []
        size = 0
        for record in records:
            if limit and len(record) > limit:
                what = "a record" if self.by_line else "a file, which is one request without SplitType,"
                raise UserError(f"{what} has {len(record)} bytes; MaxPayloadInMB allows {self.megabytes} MB")
            if waiting and (self.single or (limit and size + len(record) + 1 > limit)):
                yield waiting
                waiting, size = [], 0
            waiting.append(record)
            size += len(record) + 1
        if waiting:
            yield waiting

    def _records(self, content: bytes) -> list[bytes]:
        lines = content.replace(b"\r\n", b"\n").split(b"\n")
        return [line for line in lines if line.strip()]

    def _sent(self, record: bytes) -> bytes:
        if self.input_filter == "$":
            return record
        return _written(
            select(_read(record, self.content_type), parse(self.input_filter), self.input_filter), self.content_type
        )

    def _kept(self, records: Sequence[bytes], answer: bytes) -> bytes:
        """What of an answer goes into the file, and of the records that it is for."""
        if not self.joined and self.output_filter == "$":
            return self._assembled([answer.rstrip(b"\n")]) if self.assembled_by_line else answer
        answers = self._records(answer) if self.by_line and not (self.single and _is_json(self.accept)) else [answer]
        if self.joined and len(answers) != len(records):
            raise UserError(
                f"the model answered {len(answers)} records to {len(records)}, so they cannot be joined; is the first line a header?"
            )
        pairs = zip(records if self.joined else answers, answers, strict=True)
        made = (self._joined(record, said) if self.joined else _read(said, self.accept) for record, said in pairs)
        path = parse(self.output_filter)
        return self._assembled([_written(select(each, path, self.output_filter), self.accept) for each in made])

    def _joined(self, record: bytes, said: bytes) -> Any:
        given, answered = _read(record, self.content_type), _read(said, self.accept)
        if _is_csv(self.content_type):
            return [*given, *answered] if isinstance(answered, list) else [*given, answered]
        known = given if isinstance(given, dict) else {"SageMakerInput": given}
        return {**known, "SageMakerOutput": answered}

    def _assembled(self, records: list[bytes]) -> bytes:
        if self.assembled_by_line:
            return b"".join(record + b"\n" for record in records)
        return b"\n".join(records)


def _is_csv(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "text/csv"


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _read(record: bytes, content_type: str) -> Any:
    """A record as data: a list of texts for CSV."""
    text = record.decode("utf-8")
    if _is_csv(content_type):
        return next(csv.reader([text.strip("\r\n")]), [])
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"a record is no {content_type}: {error}") from error


def _written(value: Any, content_type: str) -> bytes:
    if not _is_csv(content_type):
        return json.dumps(value, ensure_ascii=False).encode("utf-8")
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return out.getvalue().encode("utf-8")
