"""The rules of the house that tools do not check."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest

from cli.settings_table import settings_table

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "core", "db", "embedding", "safety", "rag", "tools", "agents", "conversations", "api", "evals", "cli", "simulators",
)  # fmt: skip


def calls_of(name: str) -> set[str]:
    """Modules of the service that call a name."""
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                    found.add(str(path.relative_to(ROOT)))
    return found


def test_only_admission_makes_a_screened_turn() -> None:
    assert calls_of("ScreenedTurn") == {"conversations/admission.py"}


def test_a_message_is_admitted_only_in_the_first_transaction_or_for_a_turn_taken_over() -> None:
    assert calls_of("admit") == {"conversations/admission.py", "conversations/first_transaction.py"}
    assert calls_of("readmit") == {"conversations/runner.py"}


def test_an_opinion_is_asked_only_on_what_admission_wrapped() -> None:
    """Job → `SecondOpinion.ask` → model: on a committed message that screening let pass, and nowhere else."""
    assert calls_of("PassedMessage") == {"conversations/admission.py"}
    assert calls_of("pass_on") == {"conversations/second_opinion.py"}
    assert calls_of("opine") == {"agents/opinion.py"}
    assert calls_of("SecondOpinion") == {"agents/opinion.py"}


def test_a_model_is_reached_by_one_way_only() -> None:
    """Route node → `answer` → tool loop → model, and the opinion above; another way must come past this test."""
    assert calls_of("ChatOpenAI") == {"agents/models.py"}
    assert calls_of("LanguageModel") <= {"agents/models.py"}
    assert calls_of("from_settings") == {"agents/services.py", "agents/opinion.py"}
    assert calls_of("converse") == {"agents/answer.py"}
    agents = {name for name in calls_of("answer") if name.startswith("agents/")}
    assert agents == {"agents/support.py", "agents/coach.py", "agents/small_talk.py"}


def test_only_settings_read_the_environment() -> None:
    readers = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if re.search(r"os\.environ\[|os\.environ\.get|os\.getenv", path.read_text()):
                readers.add(str(path.relative_to(ROOT)))
    ours = {name for name in readers if not name.startswith("simulators/")}
    assert ours <= {"embedding/export_script.py"}, ours


@pytest.mark.parametrize("package", PACKAGES)
def test_no_installed_distribution_owns_a_folder_of_ours(package: str) -> None:
    owners = set(importlib.metadata.packages_distributions().get(package, ()))
    assert owners <= {"campus-companion"}, owners


def test_the_lock_files_name_no_index_no_path_and_no_torch() -> None:
    for lock in (ROOT / "locks").glob("*.txt"):
        text = lock.read_text()
        assert not re.search(r"://|file:|^torch|\+cpu|^-i|--index", text, re.MULTILINE), lock.name


def test_the_readme_lists_every_setting_as_it_is() -> None:
    assert settings_table() in (ROOT / "README.md").read_text()


def test_no_file_names_a_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    needles = re.compile(r"(?<![\w.])/(?:home|work|root|Users)/\w")
    offenders = [
        name
        for name in tracked
        if name != "docker-compose.yml"  # its paths are those inside a container
        and (ROOT / name).suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".sh", ".txt", ".html", ".js", ".css"}
        and (ROOT / name).exists()
        and needles.search((ROOT / name).read_text(errors="replace"))
    ]
    assert offenders == []
