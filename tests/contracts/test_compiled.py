"""Parameters are arguments of a compiled program: as part of one, they make it another for each run that was trained
otherwise, to be compiled anew and kept.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import experiments

ROOT = Path(experiments.__file__).parent
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def is_compiler(node):
    return any(name in ast.unparse(node) for name in ("jax.jit", "jit_of_few_calls"))


def compiled_functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.Lambda]:
    """Those that are decorated by a compiler, and lambdas that are handed to one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(map(is_compiler, node.decorator_list)):
            yield node
        elif isinstance(node, ast.Call) and is_compiler(node.func):
            yield from (given for given in node.args if isinstance(given, ast.Lambda))


def captured(source: str) -> list[int]:
    """The lines of compiled functions that have ``params`` from outside."""
    found = []
    for function in compiled_functions(ast.parse(source)):
        given = {argument.arg for argument in ast.walk(function) if isinstance(argument, ast.arg)}
        used = {name.id for name in ast.walk(function) if isinstance(name, ast.Name)}
        if "params" in used - given:
            found.append(function.lineno)
    return found


def test_what_is_captured_is_found():
    decorated = (
        "def figures(params):\n    @jax.jit\n    def seen({given}):\n        return model.apply(params, images)\n"
    )
    handed = "jax.jit(lambda {given}: model.apply(params, images))(images)"
    for source in (decorated, handed):
        assert captured(source.format(given="images"))
        assert not captured(source.format(given="params, images"))


@pytest.mark.parametrize("file", FILES)
def test_no_compiled_function_captures_parameters(file):
    assert not captured((ROOT / file).read_text())
