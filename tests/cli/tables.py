"""Tables of costs that the tests of ``trayd import`` take in, and the home that they do it in."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.support import Home, SandboxProcess

BANK = """\
Konto;DE00 1234;;;
Zeitraum;November 2026;;;

Buchungstag;Empfänger;Verwendungszweck;Betrag;Währung;Saldo;Info
02.11.2026;Runway AI;Abo November;-35,00;EUR;965,00;Umsatz gebucht
03.11.2026;Northwind GmbH;Rechnung 7;1.190,00;EUR;2.155,00;Umsatz gebucht
20.11.2026;Suno;Pro Plan;-10,00;EUR;2.145,00;Umsatz vorgemerkt
21.11.2026;Midjourney;Standard;-27,x0;EUR;2.118,00;Umsatz gebucht
"""
TWO_WAYS = "Booked,Text,Sum\n03/04/2026,Midjourney,30.00\n05/06/2026,Suno,10.00\n"
PLAIN = "date,description,amount,category\n2026-11-03,Midjourney,30.00,image\n"


def long_table(rows: int, what: str = "row") -> str:
    return "date,description,amount\n" + "".join(f"2026-11-03,{what} {number},1.00\n" for number in range(rows))


def new_home(folder: Path, sandbox: SandboxProcess) -> Home:
    home = Home(folder / "home", sandbox)
    home.settings('# mine\ntime_zone = "UTC"\nlocale = "en_US"\n[poll]\ninterval_s = 3600\n')
    return home


def recorded(home: Home, *filters: str) -> list[tuple[str, str, str]]:
    records = home.json("history", "--kind", "external", *filters)
    return sorted((one["timestamp"][:10], one["description"], one["cost"]["amount"]) for one in records)
