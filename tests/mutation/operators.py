"""What a mutant changes: SQL by its text, in Jinja and inside Python's strings, and Python by its syntax tree.

Mutants come in a fixed order with ids that depend on the text alone: `line:operator:count`.
"""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Span = tuple[int, int, str, str]  # from, to, what stands there instead, operator


@dataclass(frozen=True)
class Mutant:
    """One change: where, what, and what gives the whole text with it."""

    id: str
    line: int
    change: str
    text: Callable[[], str]

    def place_in(self, source: str) -> str:
        """The line that is changed, after the function, class or macro that it stands in."""
        lines = source.splitlines()
        above = (_ROOM.search(line) for line in reversed(lines[: self.line - 1]))
        room = next((found[1] for found in above if found), "")
        return f"{room}: {lines[self.line - 1].strip()}"


_ROOM = re.compile(r"^\s*(?:def|class|\{% macro) (\w+)")


_SWAPS = [
    ("compare", r"<>", "="),
    ("compare", r"<=", "<"),
    ("compare", r">=", ">"),
    ("compare", r"(?<= )<(?= )", "<="),
    ("compare", r"(?<= )>(?= )", ">="),
    ("compare", r"(?<!set \w)(?<= )=(?= )", "<>"),
    ("connect", r"\bor\b", "and"),
    ("negate", r"\bnot (?=\w|\(|\{)", ""),
    ("negate", r"\bis (?=null|distinct)", "is not "),
    ("negate", r"(?<!not) in (?=\()", " not in "),
    ("extreme", r"\bmin\(", "max("),
    ("extreme", r"\bmax\(", "min("),
    ("extreme", r"\bsum\(", "max("),
    ("extreme", r"\bgreatest\(", "least("),
    ("extreme", r"\bleast\(", "greatest("),
    ("neighbour", r"\blag\(", "lead("),
    ("neighbour", r"\blead\(", "lag("),
    ("join", r"\bleft join\b", "inner join"),
    ("order", r"(?<= )desc\b", "asc"),
    ("arithmetic", r"(?<= )\+(?= )", "-"),
    ("arithmetic", r"(?<= )-(?= )", "+"),
    ("arithmetic", r"(?<= )\*(?= \()", "+"),
    ("arithmetic", r"(?<= )/(?= \d)", "*"),
    ("constant", r"\btrue\b", "false"),
    ("constant", r"\bfalse\b", "true"),
    ("constant", r"(?<=[=>ne] )('[^\W\d][\w/ ]*)'", r"\1_'"),
    ("digits", r"0-9(?=\])", "1-9"),
    ("digits", r"0-9(?=\])", "0-8"),
    ("condition", r"'when': ", "'when': 'true' if true else "),
    ("condition", r"'at': 'opening'", "'at': 'closing'"),
]
_NUMBER = re.compile(r"(?<![\w.\-\\])\d+(?![\w\-]|\.\d)")
_LOOKS_LIKE_SQL = re.compile(
    r"\b(case|when|then|select|from|where|coalesce|try_cast|regexp_\w+|between|lpad|replace|like|is null)\b.*[(' =]"
    r"|\[[^\]]*0-9[^\]]*\]|\\p\{",
    re.DOTALL,
)


def sql_changes(text: str) -> Iterator[Span]:
    """Every change of a piece of SQL, Jinja comments and SQL comments left alone."""
    masked = re.sub(r"\{#.*?#\}|--[^\n]*", lambda m: re.sub(r"\S", "\0", m[0]), text, flags=re.DOTALL)
    for operator, pattern, instead in _SWAPS:
        for found in re.finditer(pattern, masked):
            if not re.search(r"\{%-? *set \w+ $", masked[: found.start()]):
                yield found.start(), found.end(), found.expand(instead), operator
    for found in re.finditer(r"\band\b", masked):
        before = masked[: found.start()]
        if before.rfind("between") <= max(before.rfind(" and "), before.rfind("\n\n")):
            yield found.start(), found.end(), "or", "connect"
    for found in _NUMBER.finditer(masked):
        yield found.start(), found.end(), str(int(found[0]) + 1).zfill(len(found[0])), "number"
        if int(found[0]) > 0:
            yield found.start(), found.end(), str(int(found[0]) - 1).zfill(len(found[0])), "number"
    for found in re.finditer(r"\bwhen (?!false)(.+?)(?= then\b)", masked, re.DOTALL):
        yield found.start(1), found.end(1), "false", "branch"
    for found in re.finditer(r"\bcoalesce\(", masked):
        parts = _arguments(masked, found.end())
        if len(parts) > 1:
            start, end = parts[0][0], parts[-1][1]
            backwards = ", ".join(text[a:b].strip() for a, b in reversed(parts))
            yield start, end, backwards, "coalesce"
            yield start, end, text[parts[0][0] : parts[0][1]], "coalesce"


def _arguments(text: str, start: int) -> list[tuple[int, int]]:
    """Where each argument of a call lies, given where the first begins; nothing when the call does not end here."""
    depth, since, found = 0, start, []
    for at in range(start, len(text)):
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}" and depth:
            depth -= 1
        elif text[at] == ")":
            return [*found, (since, at)]
        elif text[at] == "," and not depth:
            found.append((since, at))
            since = at + 1
    return []


def of_sql(text: str) -> list[Mutant]:
    """The mutants of a file of SQL and Jinja."""
    return _numbered(
        (text.count("\n", 0, a) + 1, operator, text[a:b], instead, lambda a=a, b=b, i=instead: text[:a] + i + text[b:])
        for a, b, instead, operator in sorted(sql_changes(text))
        if text[a:b] != instead
    )


_COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd}
Edit = tuple[str, str, Callable[[ast.AST], None]]


def of_python(source: str) -> list[Mutant]:
    """The mutants of a Python file: its own operators, and the SQL and patterns in its strings."""
    tree = ast.parse(source)
    prose = {id(n) for n in ast.walk(tree) if isinstance(n, ast.Raise) for n in ast.walk(n)}
    prose |= {
        id(n)
        for e in ast.walk(tree)
        if isinstance(e, ast.Expr) and isinstance(e.value, ast.Constant)
        for n in [e.value]
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            prose |= {id(n) for n in ast.walk(node.annotation)}
        if isinstance(node, (ast.FunctionDef, ast.arg)):
            hint = node.returns if isinstance(node, ast.FunctionDef) else node.annotation
            prose |= {id(n) for n in ast.walk(hint)} if hint else set()

    def changes() -> Iterator[tuple]:
        for index, node in enumerate(ast.walk(tree)):
            if id(node) in prose:
                continue
            for operator, was, edit in _edits(node):

                def mutated(index: int = index, edit: Callable = edit) -> str:
                    changed = copy.deepcopy(tree)
                    edit(next(n for i, n in enumerate(ast.walk(changed)) if i == index))
                    return ast.unparse(ast.fix_missing_locations(changed))

                yield getattr(node, "lineno", 0), operator, *was.split(" => "), mutated

    return _numbered(sorted(changes(), key=lambda change: (*change[:4],)))


def _edits(node: ast.AST) -> Iterator[Edit]:
    def put(**values: object) -> Callable[[ast.AST], None]:
        return lambda n: [setattr(n, name, value) for name, value in values.items()] and None

    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in _COMPARED:
            yield (
                "compare",
                f"{ast.unparse(node)} => {_COMPARED[type(op)].__name__}",
                put(ops=[_COMPARED[type(op)](), *node.ops[1:]]),
            )
        case ast.BoolOp(op=op):
            other = ast.Or if isinstance(op, ast.And) else ast.And
            yield "connect", f"{ast.unparse(node)} => {other.__name__}", put(op=other())
            for drop in range(len(node.values)):
                left = [v for i, v in enumerate(node.values) if i != drop]
                yield (
                    "condition",
                    f"{ast.unparse(node)} => without {ast.unparse(node.values[drop])}",
                    put(values=[*left, left[-1]]),
                )
        case ast.UnaryOp(op=ast.Not()):
            yield (
                "negate",
                f"{ast.unparse(node)} => without not",
                put(op=ast.UAdd(), operand=ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])),
            )
        case ast.BinOp(op=op) if type(op) in _COMPUTED:
            yield "arithmetic", f"{ast.unparse(node)} => {_COMPUTED[type(op)].__name__}", put(op=_COMPUTED[type(op)]())
        case ast.If() | ast.IfExp() | ast.While():
            yield "branch", f"if {ast.unparse(node.test)} => if not", put(test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Continue():
            yield "branch", "continue => pass", put(__class__=ast.Pass)
        case ast.Constant(value=bool(value)):
            yield "constant", f"{value} => {not value}", put(value=not value)
        case ast.Constant(value=int(value)):
            yield "number", f"{value} => {value + 1}", put(value=value + 1)
            if value > 0:
                yield "number", f"{value} => {value - 1}", put(value=value - 1)
        case ast.Constant(value=str(value)) if _LOOKS_LIKE_SQL.search(value):
            for a, b, instead, operator in sorted(sql_changes(value)):
                if value[a:b] != instead:
                    yield (
                        operator,
                        f"{value[max(0, a - 12) : b + 12]!r} => {instead!r}",
                        put(value=value[:a] + instead + value[b:]),
                    )


def _numbered(changes: Iterator[tuple]) -> list[Mutant]:
    seen: Counter = Counter()
    out = []
    for line, operator, was, instead, text in changes:
        seen[line, operator] += 1
        change = " ".join(f"{was} => {instead}".split())
        out.append(Mutant(f"{line}:{operator}:{seen[line, operator]}", line, change, text))
    return out
