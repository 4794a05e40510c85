"""A program that shows trayd's icon and nothing else, driven by lines on its standard input.

It is a process of its own in the tests, as the daemon is. Each line in is JSON: ``{"view": …}`` shows a view,
``{"stop": true}`` ends it from another thread. Each line out is JSON: ``{"action": …}`` for a choice in the menu,
``{"choice": …}`` once, ``{"ended": …}`` last, with the threads that are left. The actions ``fail`` and ``sleep`` do
what they say first.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time

import msgspec

from trayd.tray.app import NoTrayError, Tray
from trayd.tray.model import TrayView


def tell(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def act(action: str) -> None:
    if action == "fail":
        raise RuntimeError("this action always fails")
    if action == "sleep":
        time.sleep(3)
    tell(action=action)


def main() -> None:
    view = msgspec.json.decode(sys.stdin.readline(), type=TrayView)
    try:
        tray = Tray(view, act)
    except NoTrayError as error:
        tell(no_tray=str(error))
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: tray.stop())
    tell(choice=tray.choice.backend, note=tray.choice.note)

    def read() -> None:
        for line in sys.stdin:
            order = json.loads(line)
            if order.get("stop"):
                tray.stop()
                return
            tray.update(msgspec.convert(order["view"], TrayView))

    threading.Thread(target=read, name="reader", daemon=True).start()
    ended = tray.run()
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    tell(ended=ended, threads=[thread.name for thread in others if thread.name != "reader"])


main()
