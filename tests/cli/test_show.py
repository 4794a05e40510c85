"""What people see in the terminal is what there is, letter for letter."""

import pytest

from trayd.show import console, new_table


@pytest.mark.parametrize("name", ["FLUX.1 [dev]", "[red]Sale[/red]", ":smile: Studio", "[/] [link=http://x]"])
def test_names_are_printed_as_they_are(name, capsys):
    table = new_table("model")
    table.add_row(name)
    console().print(table)
    assert name in capsys.readouterr().out
