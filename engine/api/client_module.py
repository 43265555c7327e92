"""A Python module from a saved automation: a function with its parameters, and classes for its output."""

from __future__ import annotations

import json
import keyword
import re
import textwrap
from collections.abc import Mapping
from typing import Any

from engine.bundles import Bundle, Parameter
from engine.errors import EngineError, InvalidRequest

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}
_MISSING = 'classes for the output need a package that is not installed; run: pip install "webtasks-engine[client]"'
_ROOT = re.compile(r"^class (\w+)\(RootModel\[(.*)\]\):\n    root: .*(?:\n    .*)*\Z", re.MULTILINE)
_WIDTH = 100


def client_module(bundle: Bundle, store: str) -> str:
    """Return the source of a module that calls a saved automation.

    Its function runs the key on a store and returns the output as instances of pydantic classes.

    Args:
        bundle: The automation.
        store: The store's directory, as the module names it where the environment names none.

    Raises:
        InvalidRequest: A parameter has a name that no argument can have.
        EngineError: The package of the extra ``client`` is not installed.
    """
    meta = bundle.meta
    name = _identifier(meta.reuse_key)
    imports, classes, returned = _classes(meta.output_schema, _class_name(name))
    arguments = ", ".join(_argument(each, parameter) for each, parameter in meta.parameters.items())
    given = ", ".join(f"{each!r}: {each}" for each in meta.parameters)
    secrets = [each for each, parameter in meta.parameters.items() if parameter.secret]
    options = f", secrets={secrets!r}" if secrets else ""
    task = meta.tasks[-1] if meta.tasks else f"Run the automation saved under {meta.reuse_key!r}"
    revision = f", revision {bundle.revision.short}" if bundle.revision is not None else ""
    return f'''\
"""{_text(task)}

Written by `webtasks bundles client` from the key {_text(meta.reuse_key)}{revision}.
Write it again where the output changes.
"""

from __future__ import annotations

{imports}

from engine import Engine, TaskResult

engine = Engine(store=os.environ.get("WEBTASKS_STORE", {store!r}))


{classes}


_OUTPUT: TypeAdapter[{returned}] = TypeAdapter({returned})


def {name}({arguments}) -> {returned}:
    """{_text(task, "    ")}

    Raises:
        TaskFailed: There is no output; the error says why.
    """
    return _OUTPUT.validate_python({name}_result({", ".join(f"{each}={each}" for each in meta.parameters)}).output)


def {name}_result({arguments}) -> TaskResult:
    """Run it, and return the whole result: cost, attempts, warnings, error."""
    return engine.run(reuse_key={meta.reuse_key!r}, parameters={{{given}}}{options})
'''


def _classes(schema: Mapping[str, Any] | None, name: str) -> tuple[str, str, str]:
    """Return imports, the source of classes, and the type that stands for the output."""
    source = _generated(schema or {}, name)
    begin = source.index("class ")
    imports = [line for line in source[:begin].splitlines() if line.startswith(("from ", "import "))]
    classes, returned = source[begin:].strip(), name
    if (root := _ROOT.search(classes)) is not None and root[1] == name:  # it only names another type
        classes, returned = classes[: root.start()].strip(), root[2]
    known = [line for line in imports if not line.startswith(("from __future__", "from pydantic"))]
    names = {each for line in imports if line.startswith("from pydantic") for each in line[21:].split(", ")}
    used = [each for each in sorted(names | {"TypeAdapter"}) if each == "TypeAdapter" or each in classes]
    return "\n".join(["import os", *known, "", f"from pydantic import {', '.join(used)}"]), classes, returned


def _generated(schema: Mapping[str, Any], name: str) -> str:
    try:
        from datamodel_code_generator import InputFileType, generate
        from datamodel_code_generator.enums import DataModelType
        from datamodel_code_generator.format import Formatter
    except ImportError as error:
        raise EngineError(_MISSING) from error
    made = generate(
        json.dumps(_without_attachments(schema)),
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.PydanticV2BaseModel,
        class_name=name,
        use_standard_collections=True,
        use_union_operator=True,
        disable_timestamp=True,
        formatters=[Formatter.BUILTIN],
    )
    return str(made)


def _without_attachments(schema: Any) -> Any:
    """Return a schema in which files are plain objects: the word for them is this engine's own."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "attachment":
            return {**{k: v for k, v in schema.items() if k != "type"}, "type": "object"}
        return {name: _without_attachments(value) for name, value in schema.items()}
    return [_without_attachments(each) for each in schema] if isinstance(schema, list) else schema


def _argument(name: str, parameter: Parameter) -> str:
    if not name.isidentifier() or keyword.iskeyword(name) or name in ("engine", "os"):
        raise InvalidRequest(
            f"the parameter {name!r} cannot be the name of an argument; call the key with engine.run(parameters=…)",
            field="parameters",
        )
    return f"{name}: {_TYPES.get(parameter.type, 'object')}"


def _identifier(key: str) -> str:
    name = re.sub(r"\W+", "_", key).strip("_").lower() or "task"
    return f"task_{name}" if not name.isidentifier() or keyword.iskeyword(name) or name in ("engine", "os") else name


def _class_name(name: str) -> str:
    made = "".join(part.capitalize() for part in name.split("_"))
    return f"{made}Output" if made in ("Engine", "TaskResult", "TypeAdapter", "BaseModel", "Any") else made


def _text(text: str, indent: str = "") -> str:
    """Return text as it may stand in a docstring of this indent, on lines of its own."""
    plain = text.replace("\\", "\\\\").replace('"""', "'''").strip().rstrip('"')
    return "\n".join(textwrap.wrap(plain, _WIDTH, subsequent_indent=indent))
