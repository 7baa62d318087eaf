"""What `Server.stage` promises, tried where the wheel is installed."""

import socket
import subprocess
import sys
import time

import pytest
import respd as module
from respd import StageError


def say(server, *lines):
    """What is sent to a new connection for these lines and QUIT, until the server closes."""
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall("".join(f"{line}\r\n" for line in (*lines, "QUIT")).encode())
        return connection.makefile("rb").read()


def test_a_fault_is_told_in_words(respd):
    respd.stage.fault("no", on="GET", args={1: "k*"}, client={"name": "web", "proto": 2}, skip=1, times=1, do="ERROR LOADING not yet")
    said = say(respd, "CLIENT SETNAME web", "GET k", "GET other", "GET k", "GET k")
    assert said == b"+OK\r\n$-1\r\n$-1\r\n-LOADING not yet\r\n$-1\r\n+OK\r\n"
    [fault] = respd.stage.faults()
    assert (fault["name"], fault["hits"]) == (b"no", 1)
    respd.stage.del_fault("no")
    assert respd.stage.faults() == []


def test_the_fixture_has_nothing_staged_again(respd):
    respd.stage.fault("no", on="GET", do="CLOSE")
    respd.stage.accept("REFUSE")
    respd.stage.freeze()


def test_the_fixture_is_as_new(respd):
    assert respd.stage.faults() == []
    assert say(respd, "GET k") == b"$-1\r\n+OK\r\n"


def test_several_actions_follow_each_other(respd):
    respd.stage.fault("odd", on="GET", do=["RUN", ("PUSH", b"+a\\r\r\n")])
    assert say(respd, "GET k") == b"$-1\r\n+a\\r\r\n+OK\r\n"


def test_bytes_alone_are_no_action(respd):
    with pytest.raises(TypeError, match="tuple of words"):
        respd.stage.fault("odd", on="GET", do=("REPLY", b"+a\r\n"))
    assert respd.stage.faults() == []


def test_time_passes_when_it_is_told_to(respd):
    respd.stage.freeze()
    say(respd, "SET k v EX 3600")
    began = time.monotonic()
    respd.stage.advance(3599.999)
    assert say(respd, "EXISTS k") == b":1\r\n+OK\r\n"
    respd.stage.advance(0.001)
    assert say(respd, "EXISTS k") == b":0\r\n+OK\r\n"
    respd.stage.set_clock(2_000_000_000)
    assert b"2000000000" in say(respd, "TIME")
    assert time.monotonic() - began < 3000
    respd.stage.run()


def test_the_journal_has_what_was_sent(respd):
    respd.stage.journal.on(100)
    say(respd, "CLIENT SETNAME web", "SET k v", "GET k")
    assert respd.stage.journal.wait("GET", args={1: "k"}) == 1
    entries = respd.stage.journal.get(client="web")
    assert [entry.argv for entry in entries][-3:-1] == [[b"SET", b"k", b"v"], [b"GET", b"k"]]
    assert (entries[-2].name, entries[-2].reply) == (b"web", b"$1\r\nv\r\n")
    assert respd.stage.journal.get(since=entries[-1].seq) == entries[-1:]
    with pytest.raises(StageError, match="DEL has been sent 0 times"):
        respd.stage.journal.wait("DEL", timeout=0.01)
    respd.stage.journal.off()


def test_bytes_are_sent_to_a_client(respd):
    with socket.create_connection((respd.host, respd.port), timeout=30) as connection:
        connection.sendall(b"CLIENT SETNAME web\r\n")
        assert connection.recv(5) == b"+OK\r\n"
        respd.stage.send(r"+\x00\r\n", name="web")
        respd.stage.send(b"+\\r\n", name="web")
        assert connection.recv(9, socket.MSG_WAITALL) == b"+\0\r\n+\\r\n"


def test_what_the_server_replies_is_the_value(respd):
    port = respd.stage.node("ADD", "a", "SLOTS", "0-16383")
    assert port > 0
    assert respd.stage.node("DOWN", "a") == "OK"
    respd.stage.node("ADD", "m")
    assert respd.stage.sentinel("ADD", "s", "MASTER", "m") not in (port, None)
    assert respd.stage.send(b"+x", name="nosuch") == 0


def test_an_error_has_the_text_of_the_server(respd):
    with pytest.raises(StageError, match="GO"):
        respd.stage("CLOCK", "GO")
    with pytest.raises(StageError, match="there is no fault 'x'"):
        respd.stage.del_fault("x")


def test_a_server_without_a_stage_says_so():
    with module.start() as server, pytest.raises(StageError, match="unknown command 'STAGE'"):
        server.stage.reset()


def test_a_password_is_for_the_stage_too():
    with module.start(stage=True, requirepass="sesame") as server:
        server.stage.fault("no", on="AUTH", do="CLOSE")
        server.stage.reset()


ENDS = ["CLOSE", "RESET", "HANG", "ERROR LOADING not yet", "DELAY 60000", "DROP", r"REPLY *9\r\n", "RUN THEN CUT 1"]


@pytest.mark.parametrize("on", [None, "*", "HELLO", "AUTH", "CLIENT"])
@pytest.mark.parametrize("accept", ["ALL", "REFUSE", "HANG", "CLOSE"])
def test_reset_reaches_the_server_from_another_process(on, accept):
    with module.start(stage=True, requirepass="sesame") as server:
        for number, do in enumerate(ENDS):
            server.stage.fault(f"f{number}", on=on, every=2, do=do)
        server.stage.fault("last", on=on, do="CLOSE")
        server.stage.accept(accept)
        server.stage.freeze()
        code = f"import respd; respd.Stage(('127.0.0.1', {server.admin_port}), 'sesame').reset()"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
        assert server.client().ping()
        assert server.stage.faults() == []
