"""Several processes ask at once what does not fit into their memory:
each gets what one alone would get.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.publisher import Publisher
from support.soak import SOAK, longer
from support.stores import opened

from chalicelib.services import open_warehouse

READER = Path(__file__).parents[1] / "support" / "reader.py"
SPILLING, AMPLE = 35, 400  # MB
ALL = [(processes, memory) for memory in (SPILLING, AMPLE) for processes in (1, 2, 4)]
SOME = [(1, SPILLING), (4, SPILLING), (2, AMPLE)]


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    directory = tmp_path_factory.mktemp("readers")
    publisher = Publisher(directory, open_warehouse(str(directory / "warehouse")))
    publisher.publish_wide()
    return publisher


class Readers:
    """So many processes, ready before the first of them asks."""

    def __init__(self, publisher: Publisher, number: int, memory_mb: int) -> None:
        warehouse, pointer = (
            publisher.reading.parent / "warehouse",
            json.dumps(vars(publisher.pointer)),
        )
        command = [
            sys.executable,
            str(READER),
            str(warehouse),
            pointer,
            str(publisher.reading),
            str(memory_mb),
        ]
        self._processes = [
            subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(number)
        ]
        self.spilled = False
        for process in self._processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"

    def answers(self) -> list[Any]:
        for process in self._processes:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        told = [json.loads(process.communicate()[0]) for process in self._processes]
        self.spilled = any(each["spilled"] for each in told)
        return [each["answers"] for each in told]


@pytest.mark.timeout(longer(120, 3600))
def test_the_cold_answers_of_several_processes_are_those_of_one(publisher: Publisher) -> None:
    [alone] = Readers(publisher, 1, AMPLE).answers()
    assert alone[0]["rows"] == 2 * alone[0]["wells"] == 600_000

    for processes, memory_mb in longer(1, 20) * (ALL if SOAK else SOME):
        readers = Readers(publisher, processes, memory_mb)

        assert readers.answers() == [alone] * processes
        assert readers.spilled == (memory_mb == SPILLING)
        assert list(publisher.reading.iterdir()) == []  # nothing is left of them


def test_two_databases_of_one_process_spill_apart(publisher: Publisher) -> None:
    assert publisher.pointer
    store = publisher.reading.parent / "warehouse" / publisher.pointer.name
    queries = [opened(store) for _ in range(2)]

    asked = "SELECT current_setting('temp_directory')"
    places = {query._connection.execute(asked).fetchall()[0][0] for query in queries}

    assert len(places) == 2
    assert {Path(place).parent for place in places} == {
        query._directory.path for query in queries if query._directory
    }
    for query in queries:
        query.close()
