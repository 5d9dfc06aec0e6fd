"""Expressions: whatever has its value only in the run, and how it behaves until then.

An expression may be passed on, compared (which gives a `Condition`), formatted into text (which gives a token that `lift`
finds again) and logged; whatever would need the value says so at once.
"""

from __future__ import annotations

import json
import re
import threading
import weakref
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic, NoReturn, cast

from typing_extensions import Self, TypeVar, override

from fluentpipe.errors import MangledToken, ReferenceMisuse, UnknownOutput, did_you_mean

V = TypeVar("V", covariant=True, default=Any)  # noqa: PLC0105  V as in the docs: a value

_interned: weakref.WeakValueDictionary[tuple[Any, ...], Expression] = weakref.WeakValueDictionary()
_issued: dict[str, Expression] = {}
_lock = threading.RLock()


class _Name(str):
    """A class name that explains itself in `json.dumps(reference)`: the encoder offers no hook but the name it formats."""

    __slots__ = ()

    @override
    def __format__(self, spec: str) -> str:
        return f"{str.__str__(self)} (a path to a value that only the run has; pass it to a step, or write str(reference) for a token)"


# A token has to survive inside S3 URIs and JSON texts, and to be found again: its name goes without what those would escape.
_IN_TOKENS = str.maketrans({"/": "|", ":": ";", "~": "-", "{": "(", "}": ")", "$": "S", '"': "'", "\\": "|"})
_UNPRINTABLE = re.compile(r"[^ -~]")


# pyright and ty reject a `__bool__` that gives no bool, pyrefly one that cannot be called. mypy flags, under `truthy-bool`,
# whatever has none: so it must not see one. Each of the two takes the constant named for it as true.
MYPY = False
TYPE_CHECKING_WITH_PYREFLY = False


class NoTruth:
    """What `__bool__` of a reference and of a condition is said to give: it raises."""


class Expression:
    """Anything whose value only the run knows.

    Expressions are interned: the same one is the same object, also after `copy` and `pickle`, and hashes by identity, since
    `==` makes a `Condition`. Ask `same_as` whether two are the same.
    """

    __slots__ = ("__weakref__", "key")

    key: tuple[Any, ...]
    """What the expression is, as hashable plain data."""
    value_type: ClassVar[str] = "any"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__name__ = _Name(cls.__name__)

    @classmethod
    def _interned(cls, key: tuple[Any, ...], **facts: Any) -> Self:
        full = (cls, *key)
        with _lock:
            found = _interned.get(full)
            if found is None:
                found = object.__new__(cls)
                object.__setattr__(found, "key", key)
                for name, value in facts.items():
                    object.__setattr__(found, name, value)
                _interned[full] = found
        return cast("Self", found)

    def label(self) -> str:
        """What the expression is called in text, such as `xgboost_training.model_artifacts`."""
        raise NotImplementedError

    def to_request(self) -> dict[str, Any]:
        """The form that stands in a pipeline definition; nested expressions included."""
        raise NotImplementedError

    def parts(self) -> tuple[Expression, ...]:
        """The expressions directly inside this one."""
        return ()

    def same_as(self, other: object) -> bool:
        """Whether both are the same expression; `==` makes a condition instead."""
        return self is other

    def is_in(self, options: Sequence[Any]) -> Condition:
        """The condition that the value is one of `options`."""
        if not options:
            raise ReferenceMisuse(f"{self!r}.is_in([]) can never hold.", fix="give at least one option")
        return Condition("In", (self, *options))

    @override
    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self!r} is frozen; {name!r} cannot be set.")

    @override
    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self!r} is frozen; {name!r} cannot be deleted.")

    @override
    def __repr__(self) -> str:
        return f"<reference {self.label()}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<code>{escape(repr(self))}</code>"

    @override
    def __str__(self) -> str:
        name = _UNPRINTABLE.sub("?", self.label().translate(_IN_TOKENS))
        token = "${" + name + "~" + f"{zlib.crc32(repr((type(self).__qualname__, self.key)).encode()):08x}" + "}"
        _issued[token] = self
        return token

    @override
    def __format__(self, spec: str) -> str:
        if spec:
            _refuse(self, f"format spec {spec!r}", "leave the spec out; the value can be formatted inside a step")
        return str(self)

    @override
    def __hash__(self) -> int:
        return object.__hash__(self)

    # Comparisons make conditions of the service. The ignores: `object` promises a bool from `==`, and a lazy reference
    # has none to give.
    @override
    def __eq__(self, other: object) -> Condition:  # type: ignore[override]  # see above
        return Condition("Equals", (self, other))

    @override
    def __ne__(self, other: object) -> Condition:  # type: ignore[override]  # see above
        return ~Condition("Equals", (self, other))

    def __lt__(self, other: object) -> Condition:
        return Condition("LessThan", (self, other))

    def __le__(self, other: object) -> Condition:
        return Condition("LessThanOrEqualTo", (self, other))

    def __gt__(self, other: object) -> Condition:
        return Condition("GreaterThan", (self, other))

    def __ge__(self, other: object) -> Condition:
        return Condition("GreaterThanOrEqualTo", (self, other))

    if not MYPY:
        if TYPE_CHECKING_WITH_PYREFLY:
            __bool__ = NoTruth()
        else:

            def __bool__(self) -> NoTruth: ...

    def __add__(self, other: object) -> str:
        return str(self) + _text(self, other)

    def __radd__(self, other: object) -> str:
        return _text(self, other) + str(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class Deferred(Expression, Generic[V]):
    """An expression for a value of type `V`; what a setting takes whose value the run may decide.

    `V` is `str`, `int`, `float` or `bool`, or the kind of the data that lies at the S3 URI which the value will be.
    """

    __slots__ = ()


_CONDITION_FIX = (
    "combine conditions with & | ~, test membership with .is_in([...]), branch with .when(...).then(...), "
    "stop a pipeline with .require(...); anything else belongs inside a step"
)
_INSIDE_FIX = "do it inside a step, where the value is"


def _refuse(reference: Expression | Condition, what: str, fix: str) -> NoReturn:
    raise ReferenceMisuse(f"{reference!r} has no value before the run, so there is no {what}.", fix=fix)


def _text(reference: Expression, other: object) -> str:
    if not isinstance(other, (str, Expression)):
        _refuse(reference, f"sum with {type(other).__name__}", _INSIDE_FIX)
    return str(other)


def _refusal(what: str, fix: str) -> Any:
    def refuse(self: Expression | Condition, *_operands: object) -> NoReturn:
        _refuse(self, what, fix)

    return refuse


def _unknown_attribute(self: Expression, name: str) -> NoReturn:
    if name.startswith("_"):
        raise AttributeError(name)
    known = [each for each in dir(type(self)) if not each.startswith("_")]
    raise UnknownOutput(
        f"{self!r} has no value before the run, so there is no {name!r} of it.{did_you_mean(name, known)}",
        fix=_INSIDE_FIX,
        name=name,
    )


# Set from outside the class, so that no type checker sees them: it then flags `if reference:`, `for x in reference` and
# arithmetic by itself, whereas a method that returns NoReturn would silence it for the rest of the block.
for _method, _what in {
    "iter": "iteration", "len": "len()", "int": "int()", "float": "float()", "index": "use as an index",
    "getitem": "indexing", "neg": "arithmetic (-)", "pos": "arithmetic (+)", "abs": "abs()", "round": "round()",
}.items():  # fmt: skip
    setattr(Expression, f"__{_method}__", _refusal(_what, _INSIDE_FIX))
for _method, _symbol in {
    "sub": "-", "mul": "*", "divmod": "divmod", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@",
    "lshift": "<<", "rshift": ">>",
}.items():  # fmt: skip
    setattr(Expression, f"__{_method}__", _refusal(f"arithmetic ({_symbol})", _INSIDE_FIX))
    setattr(Expression, f"__r{_method}__", _refusal(f"arithmetic ({_symbol})", _INSIDE_FIX))
for _method in ("truediv", "rtruediv"):
    setattr(Expression, f"__{_method}__", _refusal("arithmetic (/)", 'for a path below it write f"{reference}/name"'))
for _method, _what in {
    "bool": "truth value", "contains": "membership", "and": "&", "rand": "&", "or": "|", "ror": "|", "xor": "^",
    "invert": "~",
}.items():  # fmt: skip
    setattr(Expression, f"__{_method}__", _refusal(_what, _CONDITION_FIX))
setattr(Expression, "__getattr__", _unknown_attribute)  # noqa: B010  unseen by type checkers, as above


_SIGNS = {"Equals": "==", "LessThan": "<", "LessThanOrEqualTo": "<=", "GreaterThan": ">", "GreaterThanOrEqualTo": ">="}


class Condition:
    """A comparison that the run decides; combine several with `&`, `|` and `~`.

    Args:
        op: The service's condition type (`Equals`, `GreaterThanOrEqualTo`, `In`, `Not`, `Or`), or `And`.
        operands: Values and expressions compared, or conditions combined.
    """

    __slots__ = ("op", "operands")

    op: str
    operands: tuple[Any, ...]

    def __init__(self, op: str, operands: tuple[Any, ...]) -> None:
        self.op = op
        self.operands = tuple(lift(value) if isinstance(value, str) else value for value in operands)

    if not MYPY:
        if TYPE_CHECKING_WITH_PYREFLY:
            __bool__ = NoTruth()
        else:

            def __bool__(self) -> NoTruth: ...

    def __and__(self, other: Condition) -> Condition:
        return self._combined("And", other)

    def __or__(self, other: Condition) -> Condition:
        return self._combined("Or", other)

    def _combined(self, op: str, other: Condition) -> Condition:
        if not isinstance(other, Condition):
            return NotImplemented
        flat = [part for side in (self, other) for part in (side.operands if side.op == op else (side,))]
        return Condition(op, tuple(flat))

    def __invert__(self) -> Condition:
        inner: Condition = self.operands[0] if self.op == "Not" else Condition("Not", (self,))
        return inner

    @override
    def __repr__(self) -> str:
        words = [part.label() if isinstance(part, Expression) else repr(part) for part in self.operands]
        return f"<condition {self.op} {', '.join(words)}>"

    def label(self) -> str:
        """The condition in text, such as `model_evaluation.evaluation_report.json('metrics.auc') >= 0.8`."""
        words = [
            part.label()
            if isinstance(part, Expression)
            else f"({part.label()})"
            if isinstance(part, Condition)
            else repr(part)
            for part in self.operands
        ]
        if self.op in {"And", "Or"}:
            return f" {self.op.lower()} ".join(words)
        if self.op == "Not":
            return f"not {words[0]}"
        return (
            f"{words[0]} in [{', '.join(words[1:])}]" if self.op == "In" else f"{words[0]} {_SIGNS[self.op]} {words[1]}"
        )

    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that must all hold; a condition step lists them."""
        return self.operands if self.op == "And" else (self,)

    def expressions(self) -> Iterator[Expression]:
        """Every expression compared, at any depth."""
        for part in self.operands:
            if isinstance(part, Condition):
                yield from part.expressions()
            elif isinstance(part, Expression):
                yield part

    def to_request(self) -> dict[str, Any]:
        """The condition in the service's form, which has no `And` below the top: `Not(Or(Not …))` says the same."""
        if self.op == "And":
            return Condition("Not", (Condition("Or", tuple(~part for part in self.operands)),)).to_request()
        if self.op == "Or":
            return {"Type": "Or", "Conditions": [part.to_request() for part in self.operands]}
        if self.op == "Not":
            return {"Type": "Not", "Condition": self.operands[0].to_request()}
        values = [request_value(part) for part in self.operands]
        if self.op == "In":
            return {"Type": "In", "QueryValue": values[0], "Values": values[1:]}
        return {"Type": self.op, "LeftValue": values[0], "RightValue": values[1]}


setattr(Condition, "__bool__", _refusal("truth value", _CONDITION_FIX))  # noqa: B010  unseen by type checkers, as above


class Join(Deferred[str]):
    """Texts and references put together with a separator: the service's `Std:Join`."""

    __slots__ = ("on", "values")

    value_type = "str"
    on: str
    values: tuple[Any, ...]

    def __new__(cls, on: str, values: Sequence[Any]) -> Self:  # noqa: D102  the class says it
        values = tuple(lift(value) if isinstance(value, str) else value for value in values)
        if not values:
            raise ReferenceMisuse("a Join of nothing has no value.", fix='Join("/", (reference, "name"))')
        return cls._interned((on, *((type(value), value) for value in values)), on=on, values=values)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return Join, (self.on, self.values)

    @override
    def label(self) -> str:
        return self.on.join(part.label() if isinstance(part, Expression) else str(part) for part in self.values)

    @override
    def parts(self) -> tuple[Expression, ...]:
        return tuple(part for part in self.values if isinstance(part, Expression))

    @override
    def to_request(self) -> dict[str, Any]:
        return {"Std:Join": {"On": self.on, "Values": [request_value(part) for part in self.values]}}


def request_value(value: Any) -> Any:
    """A scalar as it stands in a definition: the request form of an expression, anything else as it is."""
    return value.to_request() if isinstance(value, Expression) else value


def as_text(value: Any) -> Any:
    """A value for a place that takes text only, as hyperparameters and container arguments do.

    Numbers, truth values and collections are written as JSON; an expression that is no text becomes one by a join, and so
    does a collection that holds expressions.

    Raises:
        TypeError: JSON has no form for it.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Expression):
        return value if value.value_type in _TEXTS else Join("", (value,))
    bare: list[str] = []  # tokens of numbers: they stand in the JSON without quotes

    def token(part: object) -> str:
        if not isinstance(part, Expression):
            raise TypeError(f"{part!r} ({type(part).__name__}) cannot be written as JSON")
        if part.value_type not in _TEXTS:
            bare.append(str(part))
        return str(part)

    text = json.dumps(value, default=token)
    for each in bare:
        text = text.replace(f'"{each}"', each)
    return lift(text)


_TEXTS = frozenset({"str", "timestamp"})


_TOKEN = re.compile(r"\$\{[^${}~]+~[0-9a-f]{8}\}")
# What a token or a repr leaves behind when it was cut, quoted or formatted with !r.
_REMNANT = re.compile(r"\$\{[^{}]*~|~[0-9a-f]{1,8}\}|<(?:reference|condition|properties|outputs of) ", re.IGNORECASE)
_CHECKSUM = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?![0-9a-f])", re.IGNORECASE)
_UNCLOSED = re.compile(r"\$\{([\w.\-]{3,})(?![\w.\-}])")


def lift(text: str) -> str | Expression:
    """Find the references that were formatted into `text`.

    Returns:
        The text itself, the reference if the text is nothing else, or a `Join` of both.

    Raises:
        MangledToken: A piece of the text was a reference once, but was cut, re-cased or replaced.
    """
    if not ("<" in text or (_issued and ("~" in text or "${" in text or _CHECKSUM.search(text)))):
        return text
    pieces: list[Any] = []
    end = 0
    for match in _TOKEN.finditer(text):
        found = _issued.get(match.group())
        if found is None:
            raise _mangled(text, match.group())
        pieces += [text[end : match.start()], found]
        end = match.end()
    pieces.append(text[end:])
    for piece in pieces:
        if isinstance(piece, str) and (remnant := _remnant(piece)):
            raise _mangled(text, remnant)
    pieces = [piece for piece in pieces if isinstance(piece, Expression) or piece]
    if len(pieces) == 1 or not pieces:
        return pieces[0] if pieces else text
    return Join("", pieces)


def _remnant(text: str) -> str:
    if found := _REMNANT.search(text):
        return text[found.start() : found.start() + 60]
    tokens = list(_issued)  # a copy: another thread may issue one meanwhile
    sums = {token[-9:-1] for token in tokens}
    if found := next((match for match in _CHECKSUM.finditer(text) if match.group().lower() in sums), None):
        return text[max(0, found.start() - 40) : found.end()]
    low = text.lower()
    beginnings = tuple(_UNCLOSED.findall(low))
    for token in tokens:
        name = token[2:-10].lower()
        if f"{name}~" in low:
            return name
        if cut := next((str(each) for each in beginnings if name.startswith(each)), ""):
            return "${" + cut
    return ""


def _mangled(text: str, remnant: str) -> MangledToken:
    return MangledToken(
        f"text holds what is left of a reference: {remnant!r}.",
        f"in {text!r}",
        fix="put the whole reference into an f-string (no slicing, upper(), replace(), !r) and pass the text on unchanged",
        text=text,
        remnant=remnant,
    )
