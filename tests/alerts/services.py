"""Notification services that behave badly, each a process of its own on a real session bus.

``python -m tests.alerts.services hang``: answers nothing. ``blank``: knows no introspection but shows what it is
handed, to its standard output. ``trap``: knows no introspection and never answers when it is handed something.
"""

from __future__ import annotations

import json
import sys
import time

from jeepney import HeaderFields, MessageType, message_bus, new_error, new_method_return
from jeepney.io.blocking import open_dbus_connection

NAME = "org.freedesktop.Notifications"
INFORMATION = ("blank", "trayd", "1", "1.2")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def serve(kind: str) -> None:
    connection = open_dbus_connection()
    connection.send_and_get_reply(message_bus.RequestName(NAME))
    say("ready")
    if kind == "hang":
        time.sleep(600)
    while True:
        message = connection.receive()
        if message.header.message_type is not MessageType.method_call:
            continue
        match message.header.fields[HeaderFields.member]:
            case "Notify" if kind == "blank":
                say(json.dumps([message.body[0], message.body[3], message.body[4]]))
                answer = new_method_return(message, "u", (1,))
            case "Notify":
                continue
            case "GetServerInformation":
                answer = new_method_return(message, "ssss", INFORMATION)
            case "GetCapabilities":
                answer = new_method_return(message, "as", (["body"],))
            case _:
                answer = new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "s", ("no such method",))
        connection.send(answer)


if __name__ == "__main__":
    serve(sys.argv[1])
