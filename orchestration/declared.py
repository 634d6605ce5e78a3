"""Reading what is declared in YAML: expectations, texts, forms. A file that cannot be meant is told by its key."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from orchestration.errors import CchcError


class DeclarationError(CchcError):
    """A declared file says something that cannot be meant; the message names the file and the key."""


class Declared(BaseModel):
    """What may stand in a declared file, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=BaseModel)


class _Once(yaml.CSafeLoader):
    """YAML in which a key stands once: of two, the first would be lost unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load(path: Path, model: type[Model]) -> Model:
    """What a file declares, validated. Raises DeclarationError naming the file and the key."""
    try:
        return model.model_validate(yaml.load(path.read_text(encoding="utf-8"), _Once))
    except OSError as error:
        raise DeclarationError(f"{path.name}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        what = error.problem if isinstance(error, yaml.constructor.ConstructorError) else "not valid YAML"
        raise DeclarationError(f"{path.name}: {what}{where}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DeclarationError(f"{path.name}: {key}: {first['msg']}") from error
