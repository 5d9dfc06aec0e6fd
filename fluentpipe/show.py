"""Show: why a pipeline is wired as it is, and what it consists of, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

import attrs
from typing_extensions import override

from fluentpipe import terminal
from fluentpipe.conditional import ConditionStep
from fluentpipe.flowchart import Edge, mermaid
from fluentpipe.node import Binding, Node, said
from fluentpipe.offers import Scope
from fluentpipe.plan import Plan, limited, parents
from fluentpipe.reference import LocalPath

if TYPE_CHECKING:
    from rich.console import Console

    from fluentpipe.run import Run, StepRun


@attrs.frozen(repr=False, eq=False)
class Explanation:
    """Why each input of a pipeline is wired as it is; prints as text, iterates as bindings, `to_dict` is plain data."""

    plan: Plan

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """Every wired input."""
        return self.plan.bindings

    def __iter__(self) -> Iterator[Binding]:
        return iter(self.bindings)

    def __len__(self) -> int:
        return len(self.bindings)

    def to_dict(self) -> list[dict[str, Any]]:
        """One mapping per wired input, with the numbers that decided."""
        return [
            {
                "step": binding.step,
                "input": binding.input,
                "source": binding.label,
                "automatic": binding.automatic,
                "confidence": binding.confidence,
                "reason": binding.reason,
                "candidates": [attrs.asdict(candidate) for candidate in binding.candidates],
            }
            for binding in self.bindings
        ]

    @override
    def __str__(self) -> str:
        return "\n".join([f"pipeline {self.plan.name!r}: {len(self.plan.nodes)} steps", *self._lines()])

    __repr__ = __str__

    def _lines(self) -> Iterator[str]:
        for node in self.plan.nodes:
            yield f"{node.step.name}  ({node.step.contract.step_type}{_under(node)})"
            yield from (f"  if {condition}" for condition in _condition(node))
            if node.step.after:
                yield f"  after {', '.join(node.step.after)}"
            wired = {binding.input for binding in node.bindings}
            for binding in node.bindings:
                yield f"  {binding.input} <- {binding.label}  {binding.confidence:.2f}  {binding.reason}"
                for rival in binding.candidates[1:]:
                    yield f"      not {rival.output}  {rival.confidence:.2f}  {'another source' if rival.tier else ''}".rstrip()
            looked_for = (spec for spec in node.step.contract.dependencies if node.step.looks_for(spec))
            if without := [spec.name for spec in looked_for if spec.name not in wired]:
                yield f"  {', '.join(without)} -  optional, nothing earlier fits"
            if limited(node.step, self.plan.time_limits) is not node.step:
                yield f"  stops after {self.plan.time_limits[node.step.name]} s, as required"

    def _repr_html_(self) -> str:
        return _preformatted(str(self))


def _preformatted(text: str) -> str:
    """Lines as they are, also where the page has a style of its own for `pre`, as notebooks have."""
    style = "font-family: var(--jp-code-font-family, monospace); font-size: 12px; white-space: pre; overflow-x: auto"
    return f'<pre style="{style}">{escape(text)}</pre>'


def _under(node: Node) -> str:
    return f", {node.scope.says()}" if node.scope else ""


def outline(name: str, nodes: tuple[Node, ...], provided: tuple[str, ...] = ()) -> str:
    """A pipeline in a few lines: a step each, with what it takes and yields."""
    lines = [f"Pipeline({name!r})" + ("" if nodes or provided else ", no steps yet")]
    lines += [f"  provided {each}" for each in provided]
    seen: set[Scope] = set()  # the second branches that have begun
    for node in nodes:
        indent = "  " * (1 + (node.scope.depth if node.scope else 0))
        if node.scope and node.scope.branch == "Else" and node.scope not in seen:
            seen.add(node.scope)
            lines.append(f"{indent[2:]}otherwise")
        takes = ", ".join([*_condition(node), *(said(binding.source) for binding in node.bindings)])
        yields = ", ".join(spec.name for spec in node.step.contract.outputs)
        lines.append(f"{indent}{node.step.name}({takes})" + (f" -> {yields}" if yields else ""))
    return "\n".join(lines)


def _condition(node: Node) -> Iterator[str]:
    """The condition of a step with two branches, in words."""
    step = node.step
    if isinstance(step, ConditionStep) and step.has_branches:
        yield step.label()


def as_html(name: str, nodes: tuple[Node, ...], text: str) -> str:
    """A pipeline in a notebook: its graph, or its outline where it is empty or too large to be drawn.

    Args:
        name: Of the pipeline.
        nodes: Its steps.
        text: Its outline.
    """
    from fluentpipe.report import graph

    if not 0 < len(nodes) <= graph.MOST_STEPS:
        return _preformatted(text)
    marks = [graph.Mark(node.step.name, node.step.contract.step_type, reason=_settings(node)) for node in nodes]
    drawing = graph.draw(marks, _edges(nodes))
    return f'<style>{graph.style()}</style><p><b>{escape(name)}</b></p><div style="overflow-x:auto">{drawing}</div>'


def to_mermaid(nodes: tuple[Node, ...]) -> str:
    """A pipeline as a Mermaid flowchart."""
    types = {
        node.step.name: "Condition" if node.step.sagemaker_type == "Condition" else node.step.contract.step_type
        for node in nodes
    }
    return mermaid(types, _edges(nodes))


def _edges(nodes: tuple[Node, ...]) -> list[Edge]:
    edges = [Edge(source, node.step.name) for node in nodes for source in sorted(parents(node))]
    return edges + [Edge(node.scope.gate, node.step.name, node.scope.branch.lower()) for node in nodes if node.scope]


def _settings(node: Node) -> str:
    """What was set, in a line."""
    given = {name: str(each.path) if isinstance(each, LocalPath) else each for name, each in node.step.given.items()}
    return ", ".join(f"{name}={value!r}" for name, value in given.items())


_LISTED = 72  # columns of a terminal, from which on a run is one line of a table
_REASON = 30  # columns, from which on a reason stands beside its step


def print_runs(runs: list[Run]) -> None:
    """Print a list of runs, one a line; two where the terminal is narrow, so that status and time are always there."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if runs and console.width < _LISTED:
        for run in runs:
            console.print(f"{run.id} {_coloured(run.status)} {_seconds(run.seconds)}", soft_wrap=True)
            console.print(f"  {escape_markup('  '.join(filter(None, (run.name, _briefly(run)))))}", soft_wrap=True)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    whole = max((len(run.id) for run in runs), default=0)  # also in 80 columns, as it is what the next command takes
    table.add_column("run", no_wrap=True, min_width=whole)
    table.add_column("pipeline", no_wrap=True)
    table.add_column("status", no_wrap=True, min_width=len("Succeeded"))
    table.add_column("time", no_wrap=True, min_width=len("60.0 s"), justify="right")
    table.add_column("metrics", no_wrap=True)
    for run in runs:
        status = _coloured(run.status)
        table.add_row(run.id, escape_markup(run.name), status, _seconds(run.seconds), escape_markup(_briefly(run)))
    console.print(table if runs else "no runs yet")


def _briefly(run: Run) -> str:
    """Two figures of the last evaluation, which is named where there are several."""
    from fluentpipe.run.result import measure

    figures = [f"{name} {measure(value)}" for name, value in run.metrics.items() if isinstance(value, float)][:2]
    several = list(run.evaluations)
    return (f"{several[-1]}: " if len(several) > 1 else "") + ", ".join(figures)


def _coloured(status: str) -> str:
    return f"[{_COLOURS.get(status, 'white')}]{status}[/]"


_COLOURS = {"Succeeded": "green", "Failed": "red", "Died": "red", "NotExecuted": "dim", "Stopped": "yellow"}


def print_run(run: Run) -> None:
    """Print how a run went: steps, metrics, models and where everything lies."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title=f"{run.name}: {run.status.lower()}{_seconds(run.seconds, ' in ')}",
    )
    rows = [_cells(step) for step in run.steps.values()]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    is_beside = console.width >= sum(widths) + 2 * len(widths) + _REASON
    table.add_column("step", overflow="fold", min_width=min(widths[0], 8))
    for title, width, justify in zip(("status", "time", "memory"), widths[1:], ("left", "right", "right"), strict=True):
        table.add_column(title, no_wrap=True, min_width=width, justify=justify)  # type: ignore[arg-type]  # a literal
    if is_beside:
        table.add_column("")
    for name, status, seconds, memory, reason in rows:
        beside = [escape_markup(reason)] if is_beside else []
        table.add_row(escape_markup(name), _coloured(status), seconds, memory, *beside)
    console.print(table)
    for name, *_, reason in rows:
        if reason and not is_beside:
            console.print(f"{escape_markup(name)}: {escape_markup(reason)}", soft_wrap=True)
    _print_figures(run, console)
    for model in run.models:
        console.print(
            f"registered  [bold]{escape_markup(model.group)}[/] version {model.version}, {model.approval_status}",
            soft_wrap=True,
        )
        console.print(f"model       {escape_markup(str(model.path / 'model.tar.gz'))}", soft_wrap=True)
    if run.status != "Running":
        console.print(f"report      {escape_markup(str(run.report))}", soft_wrap=True)
    console.print(f"everything  {escape_markup(str(run.path))}", soft_wrap=True)


def _cells(step: StepRun) -> tuple[str, str, str, str, str]:
    memory = f"{step.peak_memory_mb:.0f} MiB" if step.peak_memory_mb is not None else ""
    return step.name, step.status, _seconds(step.seconds), memory, step.reason.split("\n")[0]


def _print_figures(run: Run, console: Console) -> None:
    """The figures of each evaluation, which is named where there are several."""
    from fluentpipe.run.result import measure

    several = run.evaluations
    for step, metrics in several.items() if len(several) > 1 else [("", run.metrics)]:
        figures = {name: value for name, value in metrics.items() if isinstance(value, float)}
        said = "   ".join(f"{escape_markup(name)} [bold]{measure(value)}[/]" for name, value in figures.items())
        if said:
            console.print(f"test rows   {escape_markup(step)}{'   ' if step else ''}{said}", soft_wrap=bool(step))


def escape_markup(text: str) -> str:
    """Text that rich prints as it is, and that cannot steer the terminal."""
    from rich.markup import escape as escaped

    return escaped(terminal.plain(text))


def _seconds(value: float | None, before: str = "") -> str:
    return f"{before}{value:.2f} s" if value is not None else ""
